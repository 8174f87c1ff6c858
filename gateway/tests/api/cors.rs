//! Pages of other origins: which may call, and what they may read.

use gateway::{Auth, CorsOrigins};
use reqwest::Method;

use crate::support::{Answer, Stage, chat};

const APP: &str = "https://app.example";
const COMPLETIONS: &str = "/v1/chat/completions";
const ALLOWED: &str = "access-control-allow-origin";

async fn stage(list: &str, auth: Auth) -> Stage {
    let origins = CorsOrigins::parse(list).unwrap();
    Stage::with(|settings| (settings.cors_origins, settings.auth) = (Some(origins), auth)).await
}

/// As a browser asks before it lets a page of this origin ask with a key.
async fn preflight(stage: &Stage, origin: &str) -> Answer {
    let request = stage.caller.request(Method::OPTIONS, COMPLETIONS).header("origin", origin);
    let request = request.header("sec-fetch-site", "cross-site");
    let request = request.header("access-control-request-method", "POST");
    let wanted = "authorization,content-type,x-stainless-lang";
    let request = request.header("access-control-request-headers", wanted);
    stage.caller.sends(request).answered().await
}

#[tokio::test]
async fn a_page_of_a_listed_origin_is_answered_and_may_read_it() {
    let mut stage = stage(APP, Auth::Off).await;

    let may = preflight(&stage, APP).await;
    assert_eq!((may.status, may.header(ALLOWED)), (200, Some(APP)));
    assert_eq!(may.header("access-control-allow-methods"), Some("GET,POST,DELETE"));
    let headers = may.header("access-control-allow-headers").unwrap();
    assert_eq!(headers, "authorization,content-type,x-stainless-lang");
    assert_eq!(may.header("access-control-allow-credentials"), None);

    let asks = stage.caller.request(Method::POST, COMPLETIONS).header("origin", APP);
    let asks = asks.header("sec-fetch-site", "cross-site").body(chat(true));
    let asked = stage.caller.sends(asks);
    stage.worker.takes().await.is_done().await;
    let answer = asked.answered().await;
    assert_eq!((answer.status, answer.header(ALLOWED)), (200, Some(APP)));
    assert!(answer.header("vary").unwrap().contains("origin"));
    let exposed = answer.header("access-control-expose-headers").unwrap().to_owned();
    for name in ["x-request-id", "openai-processing-ms"] {
        assert!(answer.header(name).is_some() && exposed.contains(name), "{name}: {exposed}");
    }
}

#[tokio::test]
async fn pages_of_other_origins_are_refused_as_without_the_setting() {
    let stage = stage(APP, Auth::Off).await;

    for origin in ["https://elsewhere.example", "http://app.example", "null"] {
        let may_not = preflight(&stage, origin).await;
        assert_eq!(may_not.header(ALLOWED), None, "{origin}");
        assert_eq!(may_not.error().await, (403, "foreign_site".to_owned()), "{origin}");
        let asks = stage.caller.request(Method::POST, COMPLETIONS).header("origin", origin);
        let refused = stage.caller.sends(asks.body(chat(true))).answered().await;
        assert_eq!(refused.header(ALLOWED), None, "{origin}");
        assert_eq!(refused.error().await, (403, "foreign_site".to_owned()), "{origin}");
    }
    // Under a name that somebody else resolves to this machine no page is ours.
    let rebound = stage.caller.request(Method::GET, "/v1/models").header("origin", APP);
    let rebound = stage.caller.sends(rebound.header("host", "rebound.example")).answered().await;
    assert_eq!(rebound.error().await, (403, "foreign_host".to_owned()));
    assert_eq!(stage.jobs_queued().await, 0);
}

#[tokio::test]
async fn options_that_are_no_preflight_are_what_they_are_without_cors() {
    for stage in [stage(APP, Auth::Off).await, Stage::set().await] {
        let options = async |path, headers: &[(&str, &str)]| {
            let request = stage.caller.request(Method::OPTIONS, path);
            let request = headers
                .iter()
                .fold(request, |request, (name, value)| request.header(*name, *value));
            stage.caller.sends(request).answered().await.error().await
        };

        let not_allowed = (405, "method_not_allowed".to_owned());
        let method = ("access-control-request-method", "POST");
        assert_eq!(options(COMPLETIONS, &[]).await, not_allowed);
        assert_eq!(options(COMPLETIONS, &[method]).await, not_allowed);
        assert_eq!(options("/v1/nowhere", &[]).await, (404, "unknown_url".to_owned()));
    }
    let stage = stage(APP, Auth::Off).await;
    let request = stage.caller.request(Method::OPTIONS, COMPLETIONS).header("origin", APP);
    let answer = stage.caller.sends(request).answered().await;
    assert_eq!(answer.error().await, (405, "method_not_allowed".to_owned()));
}

#[tokio::test]
async fn a_browser_needs_no_key_to_ask_whether_it_may_and_a_page_does() {
    let stage = stage("*", Auth::Keys).await;

    let may = preflight(&stage, APP).await;
    assert_eq!((may.status, may.header(ALLOWED)), (200, Some("*")));

    let asks = stage.caller.request(Method::POST, COMPLETIONS).header("origin", APP);
    let refused = stage.caller.sends(asks.body(chat(true))).answered().await;
    // It may read why not.
    assert_eq!(refused.header(ALLOWED), Some("*"));
    let exposed = refused.header("access-control-expose-headers").unwrap().to_owned();
    for name in ["x-request-id", "x-should-retry"] {
        assert!(refused.header(name).is_some() && exposed.contains(name), "{name}: {exposed}");
    }
    assert_eq!(refused.error().await, (401, "missing_api_key".to_owned()));
}
