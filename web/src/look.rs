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

/// Something that a browser's reader sets, kept in a cookie of its own.
pub(crate) trait Setting: Copy + Default + PartialEq + 'static {
    /// In the order in which they are offered.
    const ALL: &'static [Self];
    /// What keeps it.
    const COOKIE: Cookie;

    /// The form's value.
    fn value(self) -> &'static str;

    /// The name that people read.
    fn label(self) -> &'static str;

    /// The form's value read; an unknown one is the default.
    fn from_field(value: &str) -> Self {
        Self::ALL.iter().copied().find(|one| one.value() == value).unwrap_or_default()
    }

    /// The cookie that keeps it.
    fn to_cookie(self, way: Way) -> Option<HeaderValue> {
        Self::COOKIE.set(self.value(), Some(A_YEAR_S), way)
    }
}

impl Setting for Theme {
    const ALL: &'static [Self] = &[Self::System, Self::Light, Self::Dark];
    const COOKIE: Cookie = Cookie { name: "chappe_theme", path: "/" };

    fn value(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::System => texts::settings::AS_THE_SYSTEM,
            Self::Light => texts::settings::LIGHT,
            Self::Dark => texts::settings::DARK,
        }
    }
}

impl Setting for Enter {
    const ALL: &'static [Self] = &[Self::Sends, Self::BreaksLines];
    const COOKIE: Cookie = Cookie { name: "chappe_enter", path: "/" };

    fn value(self) -> &'static str {
        match self {
            Self::Sends => "send",
            Self::BreaksLines => "newline",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Sends => texts::settings::ENTER_SENDS,
            Self::BreaksLines => texts::settings::ENTER_BREAKS_LINES,
        }
    }
}

impl Setting for Aloud {
    const ALL: &'static [Self] = &[Self::Off, Self::On];
    const COOKIE: Cookie = Cookie { name: "chappe_aloud", path: "/" };

    fn value(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Off => texts::settings::ALOUD_OFF,
            Self::On => texts::settings::ALOUD_ON,
        }
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
            theme: value(Theme::COOKIE).map(Theme::from_field).unwrap_or_default(),
            enter: value(Enter::COOKIE).map(Enter::from_field).unwrap_or_default(),
            aloud: value(Aloud::COOKIE).map(Aloud::from_field).unwrap_or_default(),
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
        for theme in Theme::ALL.iter().copied() {
            let cookie = theme.to_cookie(Way::Plain).unwrap();
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.starts_with(&format!("chappe_theme={};", theme.value())), "{cookie}");
            assert_eq!(Theme::from_field(theme.value()), theme);
        }
    }
}
