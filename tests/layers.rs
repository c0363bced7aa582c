//! The layers of the house: a module uses only the modules above it in `src/lib.rs`, so that no
//! circle can form and the library reads from top to bottom.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules of `src/lib.rs`, in their order.
fn modules() -> Vec<String> {
    let lib = fs::read_to_string("src/lib.rs").unwrap();
    lib.lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect()
}

/// The source files of a module.
fn sources(module: &str) -> Vec<PathBuf> {
    let file = PathBuf::from(format!("src/{module}.rs"));
    let mut found = if file.is_file() { vec![file] } else { vec![] };
    let mut folders = vec![PathBuf::from(format!("src/{module}"))];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|e| e == "rs") => found.push(path),
                false => {}
            }
        }
    }
    assert!(!found.is_empty(), "module {module} has no source");
    found
}

/// The modules that a source names in code: `crate::NAME`, alone or in a `crate::{...}` list.
/// Tests and comments may name any.
fn used(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code: String = lines.collect::<Vec<_>>().join("\n");
    let word = |text: &str| -> String {
        text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut names = Vec::new();
    for after in code.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            Some(list) => {
                names.extend(list.split('}').next().unwrap().split(',').map(|n| word(n.trim())))
            }
            None => names.push(word(after)),
        }
    }
    names
}

#[test]
fn a_module_uses_only_modules_above_it() {
    let modules = modules();
    assert!(modules.len() > 10, "the list of modules was not found");
    let place = |name: &str| modules.iter().position(|module| module == name);
    let mut wrong = Vec::new();
    for (own, module) in modules.iter().enumerate() {
        for path in sources(module) {
            for name in used(&fs::read_to_string(&path).unwrap()) {
                if place(&name).is_some_and(|other| other > own) {
                    wrong.push(format!("{} uses {name}, which stands below it", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `unsafe` is for the processor's own instructions, in one folder; Cargo.toml denies it elsewhere.
#[test]
fn one_folder_has_unsafe_code() {
    let lifts = |path: &Path| {
        let source = fs::read_to_string(path).unwrap();
        let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
        let mut words =
            code.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'));
        words.any(|word| word == "unsafe" || word == "unsafe_code")
    };
    let files = modules().into_iter().flat_map(|module| sources(&module));
    let mut found: Vec<PathBuf> = files.filter(|path| lifts(path)).collect();
    found.sort();
    let of_fence = |file| Path::new("src/embed/kernel/fence").join(file);
    assert_eq!(found, ["aarch64.rs", "amx.rs", "mod.rs", "x86.rs"].map(of_fence));
}

#[test]
fn the_check_sees_what_it_should() {
    let source = "use crate::error::Result;\n// crate::cli\nuse crate::{score, report::table};\n";
    assert_eq!(used(source), ["error", "score", "report"]);
    assert!(Path::new("src/lib.rs").is_file());
}
