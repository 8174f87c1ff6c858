//! What people write for `--model-url`, and what to write when it is not that.

use reqwest::Url;

const EXAMPLE: &str = "http://127.0.0.1:11434/v1";

/// The base address, which ends in `/v1`; or what is wrong with it and what to write. People paste
/// it with and without the `/v1` and the slash.
pub(crate) fn base_url(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.contains('@') {
        // Not repeated: what stands before it may be a password.
        return Err("holds a user or password; put the key into MODEL_API_KEY".to_owned());
    }
    let Some((scheme, _rest)) = text.split_once("://") else {
        let with_scheme = format!("http://{text}");
        let instead = base_url(&with_scheme).unwrap_or_else(|_wrong| EXAMPLE.to_owned());
        return Err(format!("`{text}` has no http:// or https:// before it: write {instead}"));
    };
    if !["http", "https"].contains(&scheme) {
        return Err(format!("`{text}` is no http:// or https:// address: write {EXAMPLE}"));
    }
    let url: Url = text
        .parse()
        .map_err(|error| format!("`{text}` is no address ({error}): write one like {EXAMPLE}"))?;
    let mut origin = url.clone();
    origin.set_path("");
    origin.set_query(None);
    origin.set_fragment(None);
    let origin = origin.as_str().trim_end_matches('/');
    let path = url.path().trim_end_matches('/');
    if let Some((before, _after)) = path.split_once("/v1/") {
        return Err(format!("`{text}` goes on behind /v1: write {origin}{before}/v1"));
    }
    let path = path.strip_suffix("/v1").unwrap_or(path);
    let base_url = format!("{origin}{path}/v1");
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("`{text}` goes on behind the path: write {base_url}"));
    }
    Ok(base_url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_understood_however_it_is_pasted() {
        for url in ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/", " http://h:1"] {
            assert_eq!(base_url(url).as_deref(), Ok("http://h:1/v1"), "{url}");
        }
        assert_eq!(base_url("https://h/api").as_deref(), Ok("https://h/api/v1"));
    }

    #[test]
    fn one_that_cannot_be_used_says_what_to_write() {
        for (url, instead) in [
            ("127.0.0.1:11434/v1", "write http://127.0.0.1:11434/v1"),
            ("localhost", "write http://localhost/v1"),
            ("ftp://h/v1", "write http://127.0.0.1:11434/v1"),
            ("http://", "write one like http://127.0.0.1:11434/v1"),
            ("http://h:1/v1/chat/completions", "write http://h:1/v1"),
            ("https://h/api/v1/models/", "write https://h/api/v1"),
            ("http://h:1/v1?key=x", "write http://h:1/v1"),
        ] {
            let wrong = base_url(url).unwrap_err();
            assert!(wrong.ends_with(instead), "{url}: {wrong}");
        }
        let wrong = base_url("http://me:secret@h/v1").unwrap_err();
        assert!(wrong.contains("MODEL_API_KEY") && !wrong.contains("secret"), "{wrong}");
    }
}
