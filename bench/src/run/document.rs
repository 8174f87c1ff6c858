//! The measured parts of `bench/RESULTS.md`. Nobody writes a figure by hand.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::budgets;
use super::results::Results;
use super::{keys, pages, stored, tables};

/// A measured part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Chappe against its budgets.
    Chappe,
    /// Stored work beside unstored.
    Stored,
    /// Keys beside none.
    Keys,
    /// The chat page.
    Pages,
    /// Others beside Chappe.
    Peers,
}

impl Part {
    const ALL: [Self; 5] = [Self::Chappe, Self::Stored, Self::Keys, Self::Pages, Self::Peers];

    /// As it stands in its marks.
    fn name(self) -> &'static str {
        match self {
            Self::Chappe => "chappe",
            Self::Stored => "stored",
            Self::Keys => "keys",
            Self::Pages => "pages",
            Self::Peers => "peers",
        }
    }
}

/// Replaces these parts.
pub(crate) fn write(path: &Path, results: &Results, parts: &[Part]) -> anyhow::Result<()> {
    let mut text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let machine = tables::machine(results);
    for part in Part::ALL.iter().filter(|part| parts.contains(part)) {
        let table = match part {
            Part::Chappe => tables::own(&budgets::lines(results), results),
            Part::Stored => tables::stored(&stored::lines(results)),
            Part::Keys => tables::keys(&keys::lines(results)),
            Part::Pages => tables::pages(&pages::lines(results)),
            Part::Peers => tables::peers(results),
        };
        text = replaced(&text, part.name(), &format!("{machine}\n{table}"))?;
    }
    fs::write(path, text).with_context(|| path.display().to_string())
}

/// The text with other words between the marks of a part.
fn replaced(text: &str, part: &str, with: &str) -> anyhow::Result<String> {
    let (begin, end) = (format!("<!-- begin {part} -->\n"), format!("<!-- end {part} -->"));
    let split = text.split_once(&begin).and_then(|(before, rest)| {
        let (_old, after) = rest.split_once(&end)?;
        Some((before, after))
    });
    let (before, after) = split.with_context(|| format!("the marks of part `{part}` are gone"))?;
    Ok(format!("{before}{begin}\n{}\n\n{end}{after}", with.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# A\n<!-- begin chappe -->\nold\n<!-- end chappe -->\nwords\n\
                        <!-- begin peers -->\nold\n<!-- end peers -->\n";

    #[test]
    fn only_what_is_between_the_marks_of_a_part_changes() {
        let once = replaced(TEXT, "chappe", "new\n").unwrap();

        let expected = TEXT.replacen("\nold\n", "\n\nnew\n\n", 1);
        assert_eq!(once, expected);
        assert_eq!(replaced(&once, "chappe", "new").unwrap(), once);
        assert!(replaced(TEXT, "others", "new").is_err());
    }

    #[test]
    fn the_real_file_has_the_marks() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md");
        let text = fs::read_to_string(path).unwrap();
        for part in Part::ALL {
            replaced(&text, part.name(), "").unwrap();
        }
    }
}
