//! A page of Markdown: its fenced blocks, its code in running text, its links and headings.

use std::fs;
use std::path::{Path, PathBuf};

/// A page, as it lies in the project.
pub struct Page {
    /// Path from the root of the project, such as `docs/tutorial.md`.
    pub name: String,
    pub blocks: Vec<Block>,
    /// The text between the blocks, by line, counted from 1.
    pub prose: Vec<(usize, String)>,
}

/// A fenced block.
pub struct Block {
    /// Line of its first fence, counted from 1.
    pub line: usize,
    /// First word after the fence, such as `sh`; empty where there is none.
    pub language: String,
    /// Second word after the fence: the file that a reader is told to write.
    pub file: Option<String>,
    pub text: String,
}

/// README.md, and all pages of docs/ and examples/. What stands in docs/notebooks is written by
/// notebooks/execute.py, which runs it.
pub fn pages() -> Vec<Page> {
    let in_folder = |folder: &str| {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|e| e == "md")).collect::<Vec<_>>()
    };
    let mut paths = [in_folder("docs"), in_folder("examples")].concat();
    paths.push(PathBuf::from("README.md"));
    paths.sort();
    paths.iter().map(|path| Page::read(path)).collect()
}

impl Page {
    fn read(path: &Path) -> Page {
        let text = fs::read_to_string(path).unwrap();
        let mut page = Page {
            name: path.to_string_lossy().into_owned(),
            blocks: Vec::new(),
            prose: Vec::new(),
        };
        let mut lines = text.lines().zip(1..);
        while let Some((line, n)) = lines.next() {
            match line.trim_start().strip_prefix("```") {
                Some(words) => {
                    let inner = lines.by_ref().map(|(line, _)| line);
                    page.blocks.push(Block::read(n, line, words, inner));
                }
                None => page.prose.push((n, line.to_owned())),
            }
        }
        page
    }

    /// What stands between backticks in running text, with its line; a span may run over a line's end.
    pub fn spans(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for paragraph in self.prose.split(|(_, line)| line.is_empty() || line.starts_with('|')) {
            found.extend(code_spans(paragraph));
        }
        let rows = self.prose.iter().filter(|(_, line)| line.starts_with('|'));
        rows.for_each(|row| found.extend(code_spans(std::slice::from_ref(row))));
        found
    }

    /// Targets of links that stay in the project, with their lines.
    pub fn links(&self) -> Vec<(usize, String)> {
        let targets = |(n, line): &(usize, String)| {
            let ends = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
            ends.map(|(target, _)| (*n, target.to_owned())).collect::<Vec<_>>()
        };
        let inner = |target: &str| !target.contains("://");
        self.prose.iter().flat_map(targets).filter(|(_, target)| inner(target)).collect()
    }

    /// Names of its headings, as links to them end: `#are-scores-probabilities`.
    pub fn anchors(&self) -> Vec<String> {
        let headings = self.prose.iter().filter(|(_, line)| line.starts_with('#'));
        let slug = |line: &str| {
            let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
            let text: String = line.trim_start_matches('#').trim().chars().filter(kept).collect();
            text.to_lowercase().replace(' ', "-")
        };
        headings.map(|(_, line)| slug(line)).collect()
    }
}

fn code_spans(paragraph: &[(usize, String)]) -> Vec<(usize, String)> {
    let text: Vec<&str> = paragraph.iter().map(|(_, line)| line.as_str()).collect();
    let text = text.join("\n");
    let first = paragraph.first().map_or(0, |(n, _)| *n);
    let mut spans = Vec::new();
    let mut line = first;
    for (i, part) in text.split('`').enumerate() {
        if i % 2 == 1 {
            spans.push((line, part.split_whitespace().collect::<Vec<_>>().join(" ")));
        }
        line += part.matches('\n').count();
    }
    spans
}

impl Block {
    fn read<'l>(n: usize, fence: &str, words: &str, lines: impl Iterator<Item = &'l str>) -> Block {
        let indent = fence.len() - fence.trim_start().len();
        let inner = lines.take_while(|line| line.trim() != "```");
        let text: Vec<&str> = inner.map(|line| line.get(indent..).unwrap_or("")).collect();
        let mut words = words.split_whitespace().map(str::to_owned);
        Block {
            line: n,
            language: words.next().unwrap_or_default(),
            file: words.next(),
            text: text.join("\n") + "\n",
        }
    }

    /// Whether a reader is to type it into a shell.
    pub fn is_commands(&self) -> bool {
        matches!(self.language.as_str(), "" | "sh" | "console")
    }

    /// Its commands with their lines; one that ends with a backslash goes on in the next line.
    pub fn commands(&self) -> Vec<(usize, String)> {
        let mut commands: Vec<(usize, String)> = Vec::new();
        let mut goes_on = false;
        for (line, n) in self.text.lines().zip(self.line + 1..) {
            match commands.last_mut().filter(|_| goes_on) {
                Some((_, command)) => command.push_str(line),
                None => commands.push((n, line.to_owned())),
            }
            let (_, command) = commands.last_mut().expect("one was pushed");
            goes_on = command.ends_with('\\');
            if goes_on {
                command.pop();
            }
        }
        let said = |command: &str| !command.trim().is_empty() && !command.starts_with('#');
        commands.retain(|(_, command)| said(command));
        commands
    }
}
