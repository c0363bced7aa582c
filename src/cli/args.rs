//! What may be typed, with its help.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::compare::{Between, Copies, Measure};
use crate::config::Options;
use crate::document::PeriodLength;
use crate::pipeline::Shard;
use crate::report::csv::CsvTable;

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
  themeline run scans/ --date '1999/*=1999' --out results
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
  themeline score archive/ --themes themes.json --out results --shard 3/16   one task of 16, then `merge`
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
        /// Score one part alone, the I-th of N, for `merge` to finish
        ///
        /// Each of N tasks, at a time or one after the other, on machines that share the input and the folder.
        #[arg(long, value_name = "I/N", requires = "out")]
        shard: Option<Shard>,
        #[command(flatten)]
        common: Common,
    },
    /// Finish a scoring that was done in parts, by `score --shard`
    #[command(before_help = "\
Example:
  themeline merge results

checks that all parts are there, finds copies, compares periods and writes the folder, byte for byte what
`score` without --shard writes. Only what is damaged, or has changed since, is scored again.
")]
    Merge {
        /// Folder that all parts were scored into
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
    /// Go on with a run that was cut short
    #[command(before_help = "\
Example:
  themeline resume results

gives the `run` or `score` that wrote into the folder again, where it was given; what it had done is taken
up. The result is the same, byte for byte, as if nothing had happened.
")]
    Resume {
        /// Folder that `run` or `score` was writing
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
    /// Compare periods: shares with intervals, and whether each theme changed
    #[command(before_help = "\
Examples:
  themeline compare results                                    neighbouring years
  themeline compare results --by quarter --group source
  themeline compare results --between 1990,2024 --between 1946..1989,1990..2024
  themeline compare 2023/ 2024/ --out both --measure documents
  themeline compare results --by all --group country           no time, only groups
  themeline compare results --codes to-code.jsonl              shares corrected by hand codes

trends.json, trends.parquet and report.html of the folder are replaced, or written to --out.
")]
    Compare {
        /// Folders that `run` or `score` wrote, scored with the same themes
        #[arg(required = true, value_name = "DIR")]
        dirs: Vec<PathBuf>,
        #[command(flatten)]
        flags: CompareFlags,
    },
    /// Write the page that a finished folder is looked at in: one file, no network
    #[command(before_help = "\
Examples:
  themeline report results                             results/report.html, as `run` writes it
  themeline report results --out for-the-web.html
  themeline report results --charts figures            each chart as SVG, PNG and Vega-Lite too
")]
    Report {
        /// Folder that `run`, `score` or `compare` wrote
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        /// File for the page [default: report.html in the folder]
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Folder for the charts; made where it is not there
        #[arg(long, value_name = "DIR")]
        charts: Option<PathBuf>,
    },
    /// Write the tables of a finished folder as CSV
    #[command(before_help = "\
Examples:
  themeline export results --out results-csv
  themeline export results --out for-excel --table scores --table trends

One file a table (UTF-8, with a header), and datapackage.json, which says what each column means.
An empty field is null.
")]
    Export {
        /// Folder that `run`, `score` or `compare` wrote
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        /// Folder for the files: a new or empty one, or an earlier export, which is replaced
        #[arg(long, short, value_name = "FOLDER")]
        out: PathBuf,
        /// A table to write; may be given many times [default: all that there are]
        #[arg(long, value_enum, value_name = "NAME")]
        table: Vec<CsvTable>,
        /// Write text as it is
        ///
        /// Otherwise text that a spreadsheet would take for a formula gets an apostrophe in front: text that
        /// begins with = + - @, a tab or a line break.
        #[arg(long)]
        raw: bool,
    },
    /// Check scores against hand codes
    #[command(before_help = "\
Examples:
  themeline validate results --codes codes.jsonl
  themeline validate results --codes first.jsonl --codes second.jsonl    compare coders too
  themeline validate results --codes codes.jsonl --leave-out 5           cross-validate

What is printed is kept too, as validation.json of the folder, and its report shows it.

A line of codes.jsonl is {\"doc\": ID, \"start\": BYTE, \"text\": SENTENCE, \"themes\": [ID, ...]}; without
`start` the text is searched in the document, and without `doc` the line's `id` names the document.
")]
    Validate {
        /// Folder that `run` or `score` wrote
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        #[command(flatten)]
        flags: ValidateFlags,
    },
    /// Draw units to code by hand, so that `compare --codes` can correct shares by them
    #[command(before_help = "\
Examples:
  themeline sample results --n 400 --out to-code.jsonl
  themeline compare results --codes to-code.jsonl       once `themes` of its lines is filled in

Fill in `themes` of each line from the top on: the ids of the unit's themes, [] for none. Every unit has a
known probability to be drawn, those of rare themes a larger one. Lines still null are skipped.
")]
    Sample {
        /// Folder that `run` or `score` wrote
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        #[command(flatten)]
        flags: SampleFlags,
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
    /// Print the JSON Schema of an output: documents, units, scores, themes, trends, copies,
    /// rejects, run, validation or to-code
    Schema {
        /// Name of the output
        #[arg(value_name = "NAME")]
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Codebooks {
    /// Read a codebook and say what is wrong with it, if anything
    #[command(before_help = "\
Examples:
  themeline codebook check my-themes.toml
  themeline codebook check my-themes.toml --corpus archive/ --strict
")]
    Check {
        /// A TOML file, or the name of a built-in codebook
        #[arg(value_name = "CODEBOOK")]
        codebook: String,
        /// Files, folders or globs; terms that hit nothing there are named
        #[arg(long, num_args = 1.., value_name = "INPUT")]
        corpus: Vec<String>,
        /// End with exit code 2 where there is a finding
        #[arg(long)]
        strict: bool,
        #[command(flatten)]
        study: Study,
    },
    /// Read a corpus by two codebooks: which units change theme, and what that does to shares
    #[command(before_help = "\
Example:
  themeline codebook diff my-themes.toml my-themes-2.toml archive/
")]
    Diff {
        /// The codebook as it was: a TOML file, or the name of a built-in one
        #[arg(value_name = "A")]
        before: String,
        /// The codebook as it is now
        #[arg(value_name = "B")]
        after: String,
        /// Files, folders or globs
        #[arg(required = true, value_name = "INPUT")]
        corpus: Vec<String>,
        /// Changed units to list, the largest changes first
        #[arg(long, default_value_t = 20, value_name = "N")]
        top: usize,
        /// Length of a period [default: year]
        #[arg(long, value_enum, value_name = "PERIOD")]
        by: Option<PeriodLength>,
        #[command(flatten)]
        study: Study,
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

/// Flags that the verbs which look after codebooks share.
#[derive(Debug, clap::Args)]
pub struct Study {
    /// Encoder, as for `fit`
    #[arg(long, value_name = "NAME")]
    pub encoder: Option<String>,
    /// Seed of everything that is drawn at random [default: 1]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// TOML file with options, such as how records are read
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of added encoders [default: the user's cache folder]
    #[arg(long, value_name = "DIR", env = "THEMELINE_MODELS")]
    pub models_dir: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
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

/// Flags of `compare`.
#[derive(Debug, clap::Args)]
pub struct CompareFlags {
    /// Length of a period; `all` for no division by time [default: that of the run]
    #[arg(long, value_enum, value_name = "PERIOD")]
    pub by: Option<PeriodLength>,

    /// Field of the records to group documents by, such as `source`; also `language` and `file`
    #[arg(long, value_name = "FIELD")]
    pub group: Option<String>,

    /// Two periods to compare, or runs of periods, as FROM,TO; may be given many times
    ///
    /// Such as 2019,2024 or 1946..1989,1990..2024. With months or quarters, a year stands for all of
    /// its own.
    #[arg(long, value_name = "FROM,TO")]
    pub between: Vec<Between>,

    /// Units drawn with `themeline sample` and coded: shares corrected by them stand beside the others
    #[arg(long, value_name = "FILE")]
    pub codes: Option<PathBuf>,

    /// Of what a share is a share: of the text, of the units, or of the documents that mention it
    #[arg(long, value_enum, value_name = "WHAT", default_value = "text")]
    pub measure: Measure,

    /// Whether copies of a text count: `once`, or `all` of them [default: that of the run]
    #[arg(long, value_enum, value_name = "HOW")]
    pub copies: Option<Copies>,

    /// The smallest change of note, 0 to 1: 0.05 is five points
    ///
    /// Where the documents could not have shown a change of this size (or of half the share, where
    /// that is more), the verdict is `too little data`, not `no evidence of change`.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    pub notable: f64,

    /// The same documents scored with another encoder: says whether changes are there too
    #[arg(long, value_name = "DIR")]
    pub also: Option<PathBuf>,

    /// Say also whether themes still mean what they meant: how far their units moved, and new terms
    #[arg(long)]
    pub drift: bool,

    /// Folder of added encoders [default: the user's cache folder]
    #[arg(long, value_name = "DIR", env = "THEMELINE_MODELS")]
    pub models_dir: Option<PathBuf>,

    /// Resamples behind each interval
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub resamples: usize,

    /// Seed of all that is drawn at random
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Folder for the result; made where it is not there [default: the folder compared]
    #[arg(long, short, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Threads [default: one a core]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub threads: usize,

    /// Print trends.json instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Flags of `sample`.
#[derive(Debug, clap::Args)]
pub struct SampleFlags {
    /// Units to draw
    #[arg(long, value_name = "N", default_value_t = 400)]
    pub n: usize,

    /// File for the units, which must not be there yet; `-` for stdout [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Length of the periods to draw by; `all` for no division by time [default: that of the run]
    #[arg(long, value_enum, value_name = "PERIOD")]
    pub by: Option<PeriodLength>,

    /// Seed of all that is drawn at random
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// Flags of `validate`.
#[derive(Debug, clap::Args)]
pub struct ValidateFlags {
    /// Hand codes, one JSON object a line; again for a second coder
    ///
    /// The first file is set against the scores; all files are set against each other.
    #[arg(long, value_name = "FILE", required = true)]
    pub codes: Vec<PathBuf>,

    /// Cross-validate: leave out documents in N parts, fit on the rest, score what was left out
    ///
    /// The inputs that run.json names are read again, and everything is fitted anew without the part
    /// that it scores: neither its codes nor its text are seen.
    #[arg(long, value_name = "N")]
    pub leave_out: Option<usize>,

    /// Judge documents too whose codes the themes were fitted with
    #[arg(long)]
    pub allow_trained: bool,

    /// Wrongly judged passages to show for each theme and kind of error
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub errors: usize,

    /// Seed of the resamples behind the intervals, and of the parts of --leave-out
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Threads [default: one a core]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub threads: usize,

    /// Folder of added encoders [default: that of the run]
    #[arg(long, value_name = "DIR", env = "THEMELINE_MODELS")]
    pub models_dir: Option<PathBuf>,

    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,

    /// Leave the folder as it is: write no validation.json, and no report with it
    #[arg(long)]
    pub print_only: bool,
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
