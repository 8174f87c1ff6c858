//! Reads `models.toml`, as gateway, worker and `nats-init` all do.

use contract::Catalogue;
use service_runtime::{Reader, Variable};

/// The variable that names the file.
pub const MODELS_FILE: Variable = Variable {
    name: "MODELS_FILE",
    default: "",
    about: "The catalogue: a TOML file that names the models, their queues and their upstreams. Required.",
};

/// Reads the catalogue that `MODELS_FILE` names; `None` after noting every problem in `read`.
pub fn read_catalogue(read: &mut Reader<'_>) -> Option<Catalogue> {
    let name = MODELS_FILE.name;
    let path: String = read.required(name)?;
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => return read.problem(name, format!("cannot read `{path}`: {error}")),
    };
    match Catalogue::parse(&text) {
        Ok(catalogue) => Some(catalogue),
        Err(problems) => {
            for problem in problems.0 {
                read.problem::<()>(name, format!("`{path}`: {problem}"));
            }
            None
        }
    }
}
