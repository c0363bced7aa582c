//! Options → checked [`Config`].
//!
//! A parameter has one name: the field below is the key in a TOML file (`max_reject_rate`) and,
//! with hyphens, the flag (`--max-reject-rate`). Defaults are overridden by the file given with
//! `--config`, and that by flags. The parameters that change results make the fingerprint which
//! outputs carry; threads and the like do not.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::codebook::NONE_ID;
use crate::compare::Copies;
use crate::document::PeriodLength;
use crate::embed::{Device, EncoderChoice, Precision};
use crate::error::{Error, Result};
use crate::ingest::{DateFormat, DateRule, IngestOptions};
use crate::memory::MemoryLimit;
use crate::stop::Stop;
use crate::theme::ThemeModel;

/// Every parameter as a user may give it, in a TOML file or as flags; all optional.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Codebook: a TOML file, the name of a built-in one, or `none` to find all themes in the
    /// corpus [default: cooperation]
    #[arg(long, value_name = "FILE", help_heading = "Themes")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codebook: Option<String>,

    /// Encoder: `static`, `reader`, `minilm`, or a folder with a BERT model [default: static]
    ///
    /// `static` and `reader` are built in: `reader` is a transformer, better and a hundred times
    /// slower. `minilm` is fetched once by `themeline models add minilm`. A folder holds config.json,
    /// model.safetensors, and tokenizer.json or vocab.txt. `rust-bert:` before the last two has
    /// libtorch compute, in a build with the feature `rust-bert`.
    #[arg(long, value_name = "NAME", help_heading = "Themes")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder: Option<String>,

    /// Numbers in which a transformer computes [default: int8]
    ///
    /// `int8` is several times as fast; `f32` is the reference. The other encoders know one alone.
    #[arg(long, value_enum, value_name = "NUMBERS", help_heading = "Themes")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,

    /// Where `--encoder rust-bert:FOLDER` computes: `cpu`, `cuda` or `cuda:N` [default: cpu]
    #[arg(long, value_name = "DEVICE", help_heading = "Machine")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,

    /// Hand codes, one JSON object a line, for the fit to learn from
    #[arg(long, value_name = "FILE", help_heading = "Themes")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codes: Option<PathBuf>,

    /// Most emergent themes to look for among units that fit no theme; 0 for none [default: 12;
    /// 200 with --codebook none]
    #[arg(long, value_name = "N", help_heading = "Themes")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_emergent: Option<usize>,

    /// Units that the fit looks at, drawn by document [default: 20000]
    #[arg(long, value_name = "N", help_heading = "Themes")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_units: Option<usize>,

    /// Seed of everything that is drawn at random [default: 1]
    #[arg(long, value_name = "N", help_heading = "Themes")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,

    /// Length of a period [default: year]
    #[arg(long, value_enum, value_name = "PERIOD", help_heading = "Output")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<PeriodLength>,

    /// Whether copies of a text count: `once`, or `all` of them [default: once]
    ///
    /// Copies are found either way: documents that repeat another, whole or with small changes, and
    /// passages that stand in an earlier document (copies.jsonl).
    #[arg(long, value_enum, value_name = "HOW", help_heading = "Output")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copies: Option<Copies>,

    /// Most passages kept as evidence for a theme of a document [default: 5]
    #[arg(long, value_name = "N", help_heading = "Output")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_evidence: Option<usize>,

    /// Also write the units as this format (they are always written as Parquet)
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Output")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<UnitsFormat>,

    /// Field of a record that holds its text [default: text]
    #[arg(long, value_name = "FIELD", help_heading = "Input")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_field: Option<String>,

    /// Field of a record that holds its date [default: date]
    #[arg(long, value_name = "FIELD", help_heading = "Input")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_field: Option<String>,

    /// Field of a record that holds its id [default: id]
    #[arg(long, value_name = "FIELD", help_heading = "Input")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_field: Option<String>,

    /// Order of day and month in numeric dates (`dmy`, `mdy`, `ymd`), or a strptime format
    #[arg(long, value_name = "FORMAT", help_heading = "Input")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_format: Option<String>,

    /// Date of the text files that match a glob, as GLOB=DATE; may be given many times
    #[arg(long = "date", value_name = "GLOB=DATE", help_heading = "Input")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Vec<String>>,

    /// Largest record in bytes; longer ones are rejected [default: 67108864]
    #[arg(long, value_name = "BYTES", help_heading = "Input")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_record_bytes: Option<u64>,

    /// Part of the records that may be rejected before the exit code is 3 [default: 0.01]
    #[arg(long, value_name = "RATE", help_heading = "Input")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_reject_rate: Option<f64>,

    /// Allow no reject at all (the same as --max-reject-rate 0)
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    #[arg(value_name = "BOOL", help_heading = "Input")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,

    /// Threads [default: one a core]
    #[arg(long, value_name = "N", help_heading = "Machine")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,

    /// Most memory to use, such as 2GB; a run that needs more ends, keeps what is done and says so [default: all]
    #[arg(long, value_name = "SIZE", help_heading = "Machine")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,

    /// Folder of added encoders [default: the user's cache folder]
    #[arg(long, value_name = "DIR", env = "THEMELINE_MODELS", help_heading = "Machine")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models_dir: Option<PathBuf>,

    /// Folder of the vectors that transformers gave before [default: the user's cache folder]
    ///
    /// A text that is scored again, with another codebook say, is not embedded again.
    #[arg(long, value_name = "DIR", env = "THEMELINE_CACHE", help_heading = "Machine")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_dir: Option<PathBuf>,

    /// Most bytes of such vectors to keep; 0 for none [default: 2147483648]
    #[arg(long, value_name = "BYTES", help_heading = "Machine")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cache_bytes: Option<u64>,
}

/// A second format for the table of units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum UnitsFormat {
    /// Parquet alone.
    Parquet,
    /// `units.jsonl` beside `units.parquet`.
    Jsonl,
}

/// Every parameter, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Codebook: a file or the name of a built-in one.
    pub codebook: String,
    /// Encoder: a name or a folder.
    pub encoder: String,
    /// The encoder that the user named, where one was.
    pub encoder_given: Option<String>,
    /// Numbers in which a transformer computes.
    pub precision: Precision,
    /// The precision that the user named, where one was.
    pub precision_given: Option<Precision>,
    /// Where libtorch computes, where the user said so.
    pub device: Option<Device>,
    /// Hand codes for the fit to learn from.
    pub codes: Option<PathBuf>,
    /// Most emergent themes; 0 for none.
    pub max_emergent: usize,
    /// Units that the fit looks at, at least 1.
    pub sample_units: usize,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// Length of a period.
    pub by: PeriodLength,
    /// Whether copies count in periods.
    pub copies: Copies,
    /// Evidence kept for a theme of a document, at least 1.
    pub max_evidence: usize,
    /// Whether `units.jsonl` is written too.
    pub units_jsonl: bool,
    /// How records are read.
    pub ingest: IngestOptions,
    /// Part of the records that may be rejected, 0..=1.
    pub max_reject_rate: f64,
    /// Threads; 0 for one a core.
    pub threads: usize,
    /// The memory that may be used.
    pub memory: MemoryLimit,
    /// Folder of added encoders; `None` for the user's cache folder.
    pub models_dir: Option<PathBuf>,
    /// Folder of the vectors that transformers gave before; `None` for the user's cache folder.
    pub cache_dir: Option<PathBuf>,
    /// Most bytes of them; 0 where none are kept.
    pub max_cache_bytes: u64,
    /// The options as given, every default filled in.
    pub options: Options,
    /// Whether the work is to end early.
    pub stop: Stop,
    /// What to give again where the work is cut short.
    pub command: Option<Command>,
}

/// A command as it was given, to be given again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The folder that it was given in.
    pub folder: PathBuf,
    /// The program and its arguments.
    pub arguments: Vec<String>,
}

/// The value of each parameter that nobody gave.
fn defaults() -> Options {
    Options {
        codebook: Some("cooperation".into()),
        encoder: Some("static".into()),
        precision: Some(Precision::default()),
        device: None,
        codes: None,
        max_emergent: None,
        sample_units: Some(20_000),
        seed: Some(1),
        by: Some(PeriodLength::Year),
        copies: Some(Copies::Once),
        max_evidence: Some(5),
        units: Some(UnitsFormat::Parquet),
        text_field: Some("text".into()),
        date_field: Some("date".into()),
        id_field: Some("id".into()),
        date_format: None,
        date: None,
        max_record_bytes: Some(64 << 20),
        max_reject_rate: Some(0.01),
        strict: Some(false),
        threads: Some(0),
        memory: None,
        models_dir: None,
        cache_dir: None,
        max_cache_bytes: Some(2 << 30),
    }
}

macro_rules! first_given {
    ($over:expr, $under:expr, $($field:ident),* $(,)?) => {
        Options { $($field: $over.$field.or($under.$field)),* }
    };
}

impl Options {
    /// Options from a TOML file.
    ///
    /// # Errors
    /// `Io` where it cannot be read, `Malformed` with line and column where it is not TOML, has an
    /// unknown key or a value of the wrong type.
    pub fn from_file(path: &Path) -> Result<Options> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, "read", e))?;
        toml::from_str(&text).map_err(|e| {
            let place = e.span().map_or((0, 0), |span| line_and_column(&text, span.start));
            let hint = "`--show-config` prints every key with its value";
            Error::malformed(path, place, e.message(), hint)
        })
    }

    /// These options where given, else those of `under`.
    pub fn or(self, under: Options) -> Options {
        first_given!(
            self,
            under,
            codebook,
            encoder,
            precision,
            device,
            codes,
            max_emergent,
            sample_units,
            seed,
            by,
            copies,
            max_evidence,
            units,
            text_field,
            date_field,
            id_field,
            date_format,
            date,
            max_record_bytes,
            max_reject_rate,
            strict,
            threads,
            memory,
            models_dir,
            cache_dir,
            max_cache_bytes,
        )
    }

    /// Fills in the defaults and checks every value.
    ///
    /// # Errors
    /// `Usage` naming the parameter, its value and the range.
    pub fn check(self) -> Result<Config> {
        let (encoder_given, precision_given) = (self.encoder.clone(), self.precision);
        let mut options = self.or(defaults());
        let has_codebook = options.codebook.as_deref() != Some(NONE_ID);
        options.max_emergent.get_or_insert(if has_codebook { 12 } else { 200 });
        if let (false, Some(_)) = (has_codebook, &options.codes) {
            return Err(Error::usage(
                "--codes has no meaning with --codebook none: codes name themes of a codebook",
                "give the codebook that they were coded by, or no codes",
            ));
        }
        let given = options.clone();
        let ingest = IngestOptions {
            text_field: or_default(given.text_field),
            date_field: or_default(given.date_field),
            id_field: or_default(given.id_field),
            date_format: given.date_format.as_deref().map(date_format).transpose()?,
            date_rules: date_rules(given.date.as_deref().unwrap_or_default())?,
            max_record_bytes: or_default(given.max_record_bytes),
        };
        let max_reject_rate = match given.strict {
            Some(true) => 0.0,
            _ => in_unit_interval("max-reject-rate", or_default(given.max_reject_rate))?,
        };
        Ok(Config {
            codebook: or_default(given.codebook),
            encoder: or_default(given.encoder),
            encoder_given,
            precision: or_default(given.precision),
            precision_given,
            device: given.device,
            codes: given.codes,
            max_emergent: or_default(given.max_emergent),
            sample_units: at_least_one("sample-units", or_default(given.sample_units))?,
            seed: or_default(given.seed),
            by: or_default(given.by),
            copies: or_default(given.copies),
            max_evidence: at_least_one("max-evidence", or_default(given.max_evidence))?,
            units_jsonl: given.units == Some(UnitsFormat::Jsonl),
            ingest,
            max_reject_rate,
            threads: or_default(given.threads),
            memory: given.memory.map_or(Ok(MemoryLimit::default()), |size| size.parse())?,
            models_dir: given.models_dir,
            cache_dir: given.cache_dir,
            max_cache_bytes: or_default(given.max_cache_bytes),
            options,
            stop: Stop::default(),
            command: None,
        })
    }
}

impl Config {
    /// Every parameter with its value, as a TOML file that `--config` takes.
    pub fn to_toml(&self) -> String {
        toml::to_string(&self.options).unwrap_or_default()
    }

    /// Hash (BLAKE3, hex) of all that decides results: the fitted themes (the bytes of
    /// themes.json) and the parameters of reading and scoring.
    pub fn fingerprint(&self, themes: &[u8]) -> String {
        let given = self.options.clone();
        let reading_and_scoring = Options {
            by: given.by,
            copies: given.copies,
            max_evidence: given.max_evidence,
            text_field: given.text_field,
            date_field: given.date_field,
            id_field: given.id_field,
            date_format: given.date_format,
            date: given.date,
            max_record_bytes: given.max_record_bytes,
            ..Options::default()
        };
        let mut hasher = blake3::Hasher::new();
        hasher.update(themes);
        hasher.update(&serde_json::to_vec(&reading_and_scoring).unwrap_or_default());
        hasher.finalize().to_hex().to_string()
    }

    /// The encoder that themes are fitted with.
    pub fn encoder_choice(&self) -> EncoderChoice<'_> {
        EncoderChoice { name: &self.encoder, precision: self.precision, device: self.device }
    }

    /// The encoder that scores with a model: the one that the user named, else the model's own.
    pub fn encoder_for<'c>(&'c self, model: &'c ThemeModel) -> EncoderChoice<'c> {
        let own = model.encoder.choice();
        EncoderChoice {
            name: self.encoder_given.as_deref().unwrap_or(own.name),
            precision: self.precision_given.unwrap_or(own.precision),
            device: self.device,
        }
    }
}

fn or_default<T: Default>(value: Option<T>) -> T {
    value.unwrap_or_default()
}

fn date_format(format: &str) -> Result<DateFormat> {
    let hint = "give `dmy`, `mdy`, `ymd`, or a strptime format such as '%d %B %Y'";
    format.parse().map_err(|fault| Error::usage(format!("--date-format: {fault}"), hint))
}

fn date_rules(rules: &[String]) -> Result<Vec<DateRule>> {
    let hint = "write GLOB=DATE, such as --date '2024/*.txt=2024'";
    let rule = |rule: &String| {
        rule.parse().map_err(|fault| Error::usage(format!("--date: {fault}"), hint))
    };
    rules.iter().map(rule).collect()
}

fn at_least_one(name: &str, value: usize) -> Result<usize> {
    if value == 0 {
        return Err(out_of_range(name, "0", "1 or more"));
    }
    Ok(value)
}

fn in_unit_interval(name: &str, value: f64) -> Result<f64> {
    if !(0.0..=1.0).contains(&value) {
        return Err(out_of_range(name, &value.to_string(), "between 0 and 1"));
    }
    Ok(value)
}

fn out_of_range(name: &str, value: &str, range: &str) -> Error {
    Error::usage(format!("--{name} {value} is out of range"), format!("give a number {range}"))
}

/// Line and column, both from 1, of a byte offset.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let flags = Options { seed: Some(9), ..Options::default() };
        let file = Options { seed: Some(3), max_evidence: Some(2), ..Options::default() };
        let config = flags.or(file).check().unwrap();
        assert_eq!((config.seed, config.max_evidence, config.sample_units), (9, 2, 20_000));
    }

    #[test]
    fn what_show_config_prints_can_be_read_again() {
        let config = Options { strict: Some(true), ..Options::default() }.check().unwrap();
        let again: Options = toml::from_str(&config.to_toml()).unwrap();
        assert_eq!(again, config.options);
        assert_eq!(again.check().unwrap().max_reject_rate, 0.0);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_place() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "seed = 3\nthreds = 2\n").unwrap();
        let error = Options::from_file(file.path()).unwrap_err();
        assert!(error.to_string().contains(":2:1: unknown field `threds`"), "{error}");
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn without_a_codebook_more_themes_may_emerge_and_codes_are_refused() {
        let without = || Options { codebook: Some("none".into()), ..Options::default() };
        assert_eq!(without().check().unwrap().max_emergent, 200);
        assert_eq!(Options::default().check().unwrap().max_emergent, 12);
        let codes = Options { codes: Some("codes.jsonl".into()), ..without() };
        assert!(codes.check().unwrap_err().to_string().contains("--codes"));
    }

    #[test]
    fn values_out_of_range_name_the_parameter() {
        let options = Options { max_reject_rate: Some(1.5), ..Options::default() };
        assert!(options.check().unwrap_err().to_string().contains("--max-reject-rate 1.5"));
    }

    #[test]
    fn the_fingerprint_changes_with_results_alone() {
        let print = |options: Options| options.check().unwrap().fingerprint(b"themes");
        let plain = print(Options::default());
        assert_eq!(plain, print(Options { threads: Some(2), ..Options::default() }));
        assert_ne!(plain, print(Options { max_evidence: Some(2), ..Options::default() }));
    }
}
