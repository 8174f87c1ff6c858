//! The files that browsers load: embedded, compressed, named after their content.

use axum::Router;
use memory_serve::{CacheControl, MemoryServe};

use crate::paths;

/// Where the files are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Assets {
    /// The style sheet.
    pub(crate) style: String,
    /// The script.
    pub(crate) script: String,
    /// The script of files that are chosen.
    pub(crate) files_script: String,
    /// The style sheet that operators' pages have besides.
    pub(crate) operate_style: String,
    /// Their script, which they have instead.
    pub(crate) operate_script: String,
    /// The icon.
    pub(crate) icon: String,
}

/// The files' routes, and where the files are.
pub(crate) fn load<S: Clone + Send + Sync + 'static>() -> (Router<S>, Assets) {
    let files = embedded()
        .index_file(None)
        .enable_gzip(true)
        .enable_brotli(true)
        .enable_hashed_routes(true)
        .cache_control(CacheControl::NoCache);
    let manifest = files.manifest();
    let path = |file: &str| format!("{}{}", paths::STATIC, manifest.get(file).unwrap_or(file));
    let assets = Assets {
        style: path("/style.css"),
        script: path("/app.js"),
        files_script: path("/files.js"),
        operate_style: path("/operate.css"),
        operate_script: path("/operate.js"),
        icon: path("/icon.svg"),
    };
    (Router::new().nest(paths::STATIC, files.into_router()), assets)
}

fn embedded() -> MemoryServe {
    memory_serve::load!()
}
