//! Everything the renderer may write: a sanitizer that allows this finds nothing to take away.

/// Elements and the attributes that each may have.
pub const ELEMENTS: &[(&str, &[&str])] = &[
    ("a", &["href", "rel", "target"]),
    ("blockquote", &[]),
    ("br", &[]),
    ("code", &[]),
    ("del", &[]),
    ("div", &["aria-label", "class", "dir", "role", "tabindex"]),
    ("em", &[]),
    ("h3", &["dir"]),
    ("h4", &["dir"]),
    ("h5", &["dir"]),
    ("h6", &["dir"]),
    ("hr", &[]),
    ("li", &[]),
    ("ol", &["dir", "start"]),
    ("p", &["dir"]),
    ("pre", &["aria-label", "role", "tabindex"]),
    ("span", &["aria-label", "class", "role", "tabindex"]),
    ("strong", &[]),
    ("sup", &[]),
    ("table", &[]),
    ("tbody", &[]),
    ("td", &["class"]),
    ("th", &["class"]),
    ("thead", &[]),
    ("tr", &[]),
    ("ul", &["dir"]),
    // MathML Core.
    ("math", &["display"]),
    ("mfrac", &["displaystyle", "linethickness"]),
    ("mi", &["mathvariant"]),
    ("mmultiscripts", &[]),
    ("mn", &[]),
    (
        "mo",
        &[
            "accent",
            "fence",
            "form",
            "largeop",
            "lspace",
            "maxsize",
            "minsize",
            "movablelimits",
            "rspace",
            "separator",
            "stretchy",
            "symmetric",
        ],
    ),
    ("mover", &["accent"]),
    ("mpadded", &["depth", "height", "lspace", "voffset", "width"]),
    ("mphantom", &[]),
    ("mprescripts", &[]),
    ("mroot", &[]),
    ("mrow", &["displaystyle", "scriptlevel"]),
    ("mspace", &["depth", "height", "width"]),
    ("msqrt", &[]),
    ("mstyle", &["displaystyle", "scriptlevel"]),
    ("msub", &[]),
    ("msubsup", &[]),
    ("msup", &[]),
    ("mtable", &["class", "displaystyle", "scriptlevel"]),
    ("mtd", &["class"]),
    ("mtext", &[]),
    ("mtr", &[]),
    ("munder", &["accentunder"]),
    ("munderover", &["accent", "accentunder"]),
];

/// Whether the element may be written.
pub(super) fn element(name: &str) -> bool {
    attributes(name).is_some()
}

/// Whether the element may have the attribute.
pub(super) fn attribute(element: &str, name: &str) -> bool {
    attributes(element).is_some_and(|attributes| attributes.contains(&name))
}

fn attributes(element: &str) -> Option<&'static [&'static str]> {
    ELEMENTS.iter().find(|(name, _)| *name == element).map(|(_, attributes)| *attributes)
}
