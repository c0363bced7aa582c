//! A comparison as a sentence that can be quoted as it stands.

use super::ChangePoint;
use super::CompareOptions;
use super::change::{Comparison, Verdict};
use super::closer::{Mix, Part};
use super::counted::Measure;
use super::emergence::Appearance;
use super::interval::MIN_DOCUMENTS;

/// The verdict in words. `name`: that of the theme.
pub(super) fn sentence(comparison: &Comparison, name: &str, options: &CompareOptions) -> String {
    let of_what = of_what(options);
    let (from, to) = (&comparison.from, &comparison.to);
    let place = place(&comparison.group, options);
    let Some((before, after)) = comparison.shares else {
        return format!("{name}{place}: {from} or {to} has no text to compare.");
    };
    let places = places(comparison);
    let (before, after) = (percent(before, places), percent(after, places));
    let change = change(comparison);
    match comparison.verdict {
        Verdict::Rose | Verdict::Fell => {
            let verb = if comparison.verdict == Verdict::Rose { "rose" } else { "fell" };
            format!(
                "{name}{place} {verb} from {before} to {after} {of_what} between {from} and {to} \
                 ({change})."
            )
        }
        Verdict::NoEvidence => format!(
            "{name}{place}: no evidence of change between {from} and {to}, {before} and {after} \
             {of_what} ({change}){}.",
            limit(comparison, "; a change would have shown from")
        ),
        Verdict::TooLittleData => {
            let (n, m) = comparison.n_documents;
            let few = match n.min(m) < MIN_DOCUMENTS as u64 {
                true => format!("; a period of fewer than {MIN_DOCUMENTS} is not compared"),
                false => limit(comparison, "; a change would show from"),
            };
            format!(
                "{name}{place}: too little data to say whether it changed between {from} and {to}, \
                 {before} and {after} {of_what} ({n} and {m} documents{few})."
            )
        }
    }
}

/// A change of level in words. `name`: that of the theme.
pub(super) fn level_sentence(point: &ChangePoint, name: &str, options: &CompareOptions) -> String {
    let (before, after) = point.shares;
    let places = if before.max(after) < 0.01 { 2 } else { 1 };
    let verb = if after > before { "rose" } else { "fell" };
    let run = |(first, last): &(String, String)| format!("{first} to {last}");
    let when = match point.range.0 == point.range.1 {
        true => format!("in {}", point.period),
        false => format!("in {} (95 % {})", point.period, run(&point.range)),
    };
    format!(
        "{name}{}: the level {verb} {when}, from {} {} ({}) to {} ({}).",
        place(&point.group, options),
        percent(before, places),
        of_what(options),
        run(&point.before),
        percent(after, places),
        run(&point.after),
    )
}

/// When an emergent theme appears and what becomes of it, in words. `name`: that of the theme.
pub(super) fn appearance_sentence(
    found: &Appearance,
    name: &str,
    options: &CompareOptions,
) -> String {
    let places = if found.peak.1 < 0.01 { 2 } else { 1 };
    let first = match found.p_new {
        None => format!("is there from {} on", found.first_period),
        Some(p) => {
            let ((n, of), (before, of_before)) = (found.first_documents, found.documents_before);
            let p = if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p:.3}") };
            format!(
                "appears in {} ({n} of {of} documents; {before} of the {of_before} before, {p})",
                found.first_period
            )
        }
    };
    let last = match found.peak.0 == found.last.0 {
        true => String::new(),
        false => format!(", and takes {} in {}", percent(found.last.1, places), found.last.0),
    };
    format!(
        "{name} {first}, is largest in {} with {} {}{last}.",
        found.peak.0,
        percent(found.peak.1, places),
        of_what(options)
    )
}

/// What is content and what is mix, in words.
pub(super) fn mix_sentence(mix: &Mix) -> String {
    let parts = [("content", mix.content), ("mix", mix.mix), ("turnover", mix.turnover)];
    let largest = parts.iter().map(|(_, part)| part.difference.abs()).fold(0.0, f64::max);
    let places = if largest < 0.01 { 2 } else { 1 };
    let points = |x: f64| points(x, places);
    let part = |(name, part): &(&str, Part)| {
        let interval = part
            .interval
            .map_or(String::new(), |(low, high)| format!(" ({} to {})", points(low), points(high)));
        format!("{name} {} points{interval}", points(part.difference))
    };
    // Levels that only one period has are the exception.
    let n = if points(mix.turnover.difference) == points(0.0) { 2 } else { 3 };
    let parts: Vec<String> = parts[..n].iter().map(part).collect();
    format!("By `{}`: {}.", mix.field, parts.join(", "))
}

fn of_what(options: &CompareOptions) -> &'static str {
    match options.measure {
        Measure::Text => "of the text",
        Measure::Units => "of the units",
        Measure::Documents => "of the documents",
    }
}

fn place(group: &Option<String>, options: &CompareOptions) -> String {
    match (group, &options.group) {
        (Some(group), Some(field)) => format!(" ({field} {group})"),
        _ => String::new(),
    }
}

/// `+9.0 points, 95 % interval +4.1 to +14.2, q = 0.010`.
fn change(comparison: &Comparison) -> String {
    let places = places(comparison);
    let points = |x: f64| points(x, places);
    let difference =
        comparison.difference().map(|difference| format!("{} points", points(difference)));
    let interval = comparison
        .interval
        .map(|(low, high)| format!("95 % interval {} to {}", points(low), points(high)));
    let q = comparison.q.map(|q| match q < 0.001 {
        true => "q < 0.001".to_owned(),
        false => format!("q = {q:.3}"),
    });
    [difference, interval, q].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn limit(comparison: &Comparison, words: &str) -> String {
    let of = |detectable: f64| format!("{words} about {:.1} points on", detectable * 100.0);
    comparison.detectable.map_or(String::new(), of)
}

/// Decimals that a sentence gives: more where a theme is rare.
fn places(comparison: &Comparison) -> usize {
    let (from, to) = comparison.shares.unwrap_or_default();
    if from.max(to) < 0.01 { 2 } else { 1 }
}

fn percent(share: f64, places: usize) -> String {
    format!("{:.places$} %", share * 100.0)
}

/// In percentage points, with its sign; zero has none.
pub(super) fn points(difference: f64, places: usize) -> String {
    let points = format!("{:+.places$}", difference * 100.0);
    match points.chars().any(|c| c.is_ascii_digit() && c != '0') {
        true => points,
        false => format!("{:.places$}", 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::points;

    #[test]
    fn points_have_a_sign_but_zero_has_none() {
        let shown = [(0.0907, 1), (-0.0042, 2), (-0.0001, 1), (0.0, 2)].map(|(x, n)| points(x, n));
        assert_eq!(shown, ["+9.1", "-0.42", "0.0", "0.00"]);
    }
}
