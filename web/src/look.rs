//! How pages look and behave, and whether a script runs in them: what a browser's own cookies say.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use http::header::HeaderValue;
use http::request::Parts;

use crate::cookie::{Cookie, Found, Way};
use crate::texts;

/// Holds the theme.
const THEME: Cookie = Cookie { name: "chappe_theme", path: "/" };
/// Holds what Enter does where somebody writes.
const ENTER: Cookie = Cookie { name: "chappe_enter", path: "/" };
/// Holds whether answers are read out.
const ALOUD: Cookie = Cookie { name: "chappe_aloud", path: "/" };
/// By this the script says that it runs.
const SCRIPT: Cookie = Cookie { name: "chappe_script", path: "/" };
const A_YEAR_S: u32 = 365 * 24 * 60 * 60;

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Theme {
    /// As the system has it.
    #[default]
    System,
    Light,
    Dark,
}

/// What Enter does where somebody writes, if a script runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Enter {
    #[default]
    Sends,
    BreaksLines,
}

/// Whether a whole answer is given to screen readers at its end, if a script runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Aloud {
    #[default]
    Off,
    On,
}

/// Of one browser.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) theme: Theme,
    pub(crate) enter: Enter,
    pub(crate) aloud: Aloud,
    /// A script has run here before: answers come by it, and a page need not wait for them.
    pub(crate) script: bool,
}

impl Theme {
    /// In the order in which they are offered.
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The form's value; an unknown one is the system's.
    pub(crate) fn from_field(value: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.value() == value).unwrap_or_default()
    }

    pub(crate) fn value(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The name that people read.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::System => texts::chats::AS_THE_SYSTEM,
            Self::Light => texts::chats::LIGHT,
            Self::Dark => texts::chats::DARK,
        }
    }

    /// The cookie that keeps it.
    pub(crate) fn to_cookie(self, way: Way) -> Option<HeaderValue> {
        THEME.set(self.value(), Some(A_YEAR_S), way)
    }
}

impl Enter {
    /// In the order in which they are offered.
    pub(crate) const ALL: [Self; 2] = [Self::Sends, Self::BreaksLines];

    /// The form's value; an unknown one sends.
    pub(crate) fn from_field(value: &str) -> Self {
        Self::ALL.into_iter().find(|enter| enter.value() == value).unwrap_or_default()
    }

    pub(crate) fn value(self) -> &'static str {
        match self {
            Self::Sends => "send",
            Self::BreaksLines => "newline",
        }
    }

    /// The name that people read.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Sends => texts::chats::ENTER_SENDS,
            Self::BreaksLines => texts::chats::ENTER_BREAKS_LINES,
        }
    }

    /// The cookie that keeps it.
    pub(crate) fn to_cookie(self, way: Way) -> Option<HeaderValue> {
        ENTER.set(self.value(), Some(A_YEAR_S), way)
    }
}

impl Aloud {
    /// In the order in which they are offered.
    pub(crate) const ALL: [Self; 2] = [Self::Off, Self::On];

    /// The form's value; an unknown one is off.
    pub(crate) fn from_field(value: &str) -> Self {
        Self::ALL.into_iter().find(|aloud| aloud.value() == value).unwrap_or_default()
    }

    pub(crate) fn value(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
        }
    }

    /// The name that people read.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Off => texts::chats::ALOUD_OFF,
            Self::On => texts::chats::ALOUD_ON,
        }
    }

    /// The cookie that keeps it.
    pub(crate) fn to_cookie(self, way: Way) -> Option<HeaderValue> {
        ALOUD.set(self.value(), Some(A_YEAR_S), way)
    }
}

impl Look {
    fn of(headers: &HeaderMap) -> Self {
        // That of a host before the other one, which another page may have set; there is no harm
        // in any of it.
        let value = |cookie: Cookie| {
            [Way::Tls, Way::Plain].into_iter().find_map(|way| match cookie.find(headers, way) {
                Found::One(value) => std::str::from_utf8(value).ok(),
                Found::Nothing | Found::Several => None,
            })
        };
        Self {
            theme: value(THEME).map(Theme::from_field).unwrap_or_default(),
            enter: value(ENTER).map(Enter::from_field).unwrap_or_default(),
            aloud: value(ALOUD).map(Aloud::from_field).unwrap_or_default(),
            script: value(SCRIPT) == Some("1"),
        }
    }
}

tokio::task_local! {
    static HERE: Look;
}

/// Keeps the look of a request for pages that say what is wrong with it, wherever that is found.
pub(crate) async fn keep(look: Look, request: Request, next: Next) -> Response {
    HERE.scope(look, next.run(request)).await
}

impl Look {
    /// Of the request that is being answered.
    pub(crate) fn here() -> Self {
        HERE.try_with(|look| *look).unwrap_or_default()
    }
}

impl<S: Sync> FromRequestParts<S> for Look {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;

    use super::*;

    fn of(cookies: &'static str) -> Look {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static(cookies));
        Look::of(&headers)
    }

    #[test]
    fn a_look_is_read_from_its_cookies_and_nonsense_is_none() {
        let look = of("a=b; chappe_theme=dark; chappe_script=1");
        assert_eq!(look, Look { theme: Theme::Dark, script: true, ..Look::default() });
        let look_of_keys = of("chappe_enter=newline; chappe_aloud=on");
        assert_eq!((look_of_keys.enter, look_of_keys.aloud), (Enter::BreaksLines, Aloud::On));
        assert_eq!(of("chappe_enter=jump; chappe_aloud=loud"), Look::default());
        assert_eq!(of("chappe_theme=pink;chappe_script=yes; =; x"), Look::default());
        let both = of("chappe_theme=light; __Host-chappe_theme=dark; __Host-chappe_script=1");
        assert_eq!(both, look, "over TLS they have other names");
        for theme in Theme::ALL {
            let cookie = theme.to_cookie(Way::Plain).unwrap();
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.starts_with(&format!("chappe_theme={};", theme.value())), "{cookie}");
            assert_eq!(Theme::from_field(theme.value()), theme);
        }
    }
}
