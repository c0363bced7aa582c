//! What may be typed, with its help.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::config::Options;

const EXAMPLES: &str = "\
Examples:
  themeline run readouts/ --out results           score a folder of texts and compare years
  themeline run archive.jsonl.zst --out results --by quarter
  themeline fit 2015-2024/*.jsonl --out themes.json
  themeline score new.jsonl --themes themes.json --out results
  cat new.jsonl | themeline score - --themes themes.json > scored.jsonl
  themeline validate results --codes codes.jsonl  check scores against hand codes
";

/// Tracks themes in dated documents: how much of each document is about each theme, how that
/// changed over time, and the sentences behind every number.
#[derive(Debug, Parser)]
#[command(name = "themeline", version, before_help = EXAMPLES, max_term_width = 100)]
pub struct Args {
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Do the whole job: read, fit themes, score, compare periods, write a folder
    #[command(before_help = "\
Examples:
  themeline run readouts/ --out results
  themeline run speeches.jsonl.zst --out results --by month --date-format dmy
  themeline run scans/ --date 'scans/1999/*=1999' --out results
")]
    Run {
        /// Files, folders or globs (txt, md, html, jsonl, csv, parquet; .gz and .zst); `-` for JSONL
        #[arg(required = true, value_name = "INPUT")]
        inputs: Vec<String>,
        /// Folder for the results; made where it is not there
        #[arg(long, short, value_name = "DIR")]
        out: PathBuf,
        #[command(flatten)]
        common: Common,
    },
    /// Fit themes on documents and write them to a file
    #[command(before_help = "\
Example:
  themeline fit archive/ --codebook my-themes.toml --out themes.json
")]
    Fit {
        /// Files, folders or globs; `-` for JSONL on standard input
        #[arg(required = true, value_name = "INPUT")]
        inputs: Vec<String>,
        /// File for the fitted themes
        #[arg(long, short, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        common: Common,
    },
    /// Score documents with themes fitted before; never refits
    #[command(before_help = "\
Examples:
  themeline score new/ --themes themes.json --out results
  cat new.jsonl | themeline score - --themes themes.json > scored.jsonl
")]
    Score {
        /// Files, folders or globs; `-` for JSONL on standard input
        #[arg(required = true, value_name = "INPUT")]
        inputs: Vec<String>,
        /// Fitted themes: the themes.json of `fit` or `run`
        #[arg(long, value_name = "FILE")]
        themes: PathBuf,
        /// Folder for the results; without it, the lines of documents.jsonl go to stdout
        #[arg(long, short, value_name = "DIR")]
        out: Option<PathBuf>,
        #[command(flatten)]
        common: Common,
    },
    /// Check scores against hand codes
    #[command(before_help = "\
Example:
  themeline validate results --codes codes.jsonl

A line of codes.jsonl is {\"doc\": ID, \"start\": BYTE, \"text\": SENTENCE, \"themes\": [ID, ...]}; without
`start` the text is searched in the document, and without `doc` the line's `id` names the document.
")]
    Validate {
        /// Folder that `run` or `score` wrote
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        /// Hand codes, one JSON object a line
        #[arg(long, value_name = "FILE")]
        codes: PathBuf,
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Look after codebooks
    Codebook {
        #[command(subcommand)]
        verb: Codebooks,
    },
    /// Look after encoders
    Models {
        #[command(subcommand)]
        verb: Models,
        /// Folder of added encoders [default: the user's cache folder]
        #[arg(long, global = true, value_name = "DIR", env = "THEMELINE_MODELS")]
        models_dir: Option<PathBuf>,
    },
    /// Print the JSON Schema of an output: documents, units, scores, themes, trends, rejects or run
    Schema {
        /// Name of the output
        #[arg(value_name = "NAME")]
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Codebooks {
    /// Read a codebook and say what is wrong with it, if anything
    Check {
        /// A TOML file, or the name of a built-in codebook
        #[arg(value_name = "CODEBOOK")]
        codebook: String,
    },
    /// Write an emergent theme into a codebook, for a person to go on from
    #[command(before_help = "\
Example:
  themeline codebook promote themes.json --theme emergent-1 --into my-themes.toml
")]
    Promote {
        /// Fitted themes: a themes.json, or the folder that `run` wrote
        #[arg(value_name = "THEMES")]
        themes: PathBuf,
        /// Id of the emergent theme, such as `emergent-1`
        #[arg(long, value_name = "ID")]
        theme: String,
        /// Codebook file to add it to; made where it is not there
        #[arg(long, value_name = "FILE")]
        into: PathBuf,
        /// Id of the theme in the codebook [default: from its most distinctive term]
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// Name of the theme in the codebook [default: its name in the model]
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Models {
    /// List the encoders that can be used, and those that can be added
    List,
    /// Fetch an encoder, check its hash and keep it
    Add {
        /// Its name, such as `minilm`
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Remove an added encoder
    Remove {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Make a static encoder, a table of token vectors, out of a transformer
    Distill {
        /// The transformer: a name or a folder
        #[arg(long, value_name = "NAME", default_value = "minilm")]
        from: String,
        /// Folder for the table
        #[arg(long, short, value_name = "DIR")]
        out: PathBuf,
    },
}

/// Flags that `run`, `fit` and `score` share.
#[derive(Debug, clap::Args)]
pub struct Common {
    #[command(flatten)]
    pub options: Options,

    /// TOML file with options; flags win over it
    #[arg(long, value_name = "FILE", help_heading = "Machine")]
    pub config: Option<PathBuf>,

    /// Print every option with its value as TOML, and stop
    #[arg(long, help_heading = "Machine")]
    pub show_config: bool,

    /// Print what would be read, and stop
    #[arg(long, help_heading = "Machine")]
    pub dry_run: bool,

    /// Say nothing but errors
    #[arg(long, short, help_heading = "Machine")]
    pub quiet: bool,

    /// Talk in JSON lines instead of prose
    #[arg(long, help_heading = "Machine")]
    pub json_logs: bool,
}
