//! The command line of a service: three flags, and a help text made from its variables.

use std::fmt::Write as _;

/// One environment variable, as `--help` shows it.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Its name, with the unit in it where it has one.
    pub name: &'static str,
    /// What applies when it is not set; empty for "none".
    pub default: &'static str,
    /// One sentence.
    pub about: &'static str,
}

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Serve,
    Help,
    Version,
    /// Ask the running service's health port, for container health checks without a shell.
    Health,
    Unknown(String),
}

/// Reads the arguments after the program's name.
pub(crate) fn asked(arguments: impl IntoIterator<Item = String>) -> Asked {
    let mut arguments = arguments.into_iter();
    let first = arguments.next();
    if let Some(extra) = arguments.next() {
        return Asked::Unknown(extra);
    }
    match first.as_deref() {
        None => Asked::Serve,
        Some("--help" | "-h") => Asked::Help,
        Some("--version" | "-V") => Asked::Version,
        Some("--health") => Asked::Health,
        Some(other) => Asked::Unknown(other.to_owned()),
    }
}

/// The help text of a service. `health` is whether it has a health port.
pub(crate) fn help(name: &str, about: &str, variables: &[&[Variable]], health: bool) -> String {
    let (flag, flag_about) = match health {
        true => (
            " | --health",
            "\n  --health   ask the running service on its health port; exit 0 when it is ready, \
             else 1\n",
        ),
        false => ("", ""),
    };
    let mut text = format!(
        "{about}\n\nUsage: {name} [--help | --version{flag}]\n{flag_about}\n\
         Settings come from the environment:\n"
    );
    text.push_str(&variables_text(variables.iter().copied().flatten()));
    text.push_str("\nAll problems of the settings are listed at once; the exit code is then 78.\n");
    text
}

/// Variables as `--help` lists them.
pub fn variables_text<'a>(variables: impl IntoIterator<Item = &'a Variable>) -> String {
    let mut text = String::new();
    for variable in variables {
        let default = match variable.default {
            "" => String::new(),
            default => format!(" [default: {default}]"),
        };
        let _infallible =
            write!(text, "\n  {}{default}\n      {}\n", variable.name, variable.about);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_has_a_health_port_offers_to_ask_it() {
        for health in [true, false] {
            let text = help("it", "Does it.", &[], health);
            assert_eq!(text.matches("--health").count(), if health { 2 } else { 0 }, "{text}");
        }
    }

    #[test]
    fn arguments_are_few_and_others_are_refused() {
        let ask = |words: &[&str]| asked(words.iter().map(|word| (*word).to_owned()));

        assert_eq!(ask(&[]), Asked::Serve);
        assert_eq!(ask(&["--version"]), Asked::Version);
        assert_eq!(ask(&["--prot"]), Asked::Unknown("--prot".to_owned()));
        assert_eq!(ask(&["--help", "me"]), Asked::Unknown("me".to_owned()));
    }
}
