//! What an SVG image may hold: shapes, and nothing that runs or fetches.
//!
//! An image is refused rather than cleaned, so that what is stored is what was sent. This reads tags
//! only; that it is stricter than an XML parser about them is on purpose: what it takes, every parser
//! takes the same way.

/// Elements that an image may hold.
const ELEMENTS: &[&str] = &[
    "circle",
    "clipPath",
    "defs",
    "desc",
    "ellipse",
    "feBlend",
    "feColorMatrix",
    "feComponentTransfer",
    "feComposite",
    "feConvolveMatrix",
    "feDiffuseLighting",
    "feDisplacementMap",
    "feDistantLight",
    "feDropShadow",
    "feFlood",
    "feFuncA",
    "feFuncB",
    "feFuncG",
    "feFuncR",
    "feGaussianBlur",
    "feMerge",
    "feMergeNode",
    "feMorphology",
    "feOffset",
    "fePointLight",
    "feSpecularLighting",
    "feSpotLight",
    "feTile",
    "feTurbulence",
    "filter",
    "g",
    "line",
    "linearGradient",
    "marker",
    "mask",
    "path",
    "pattern",
    "polygon",
    "polyline",
    "radialGradient",
    "rect",
    "stop",
    "style",
    "svg",
    "switch",
    "symbol",
    "text",
    "textPath",
    "title",
    "tspan",
    "use",
    "view",
];

/// Parts of style texts that fetch or run. Escapes could hide any of them.
const STYLES: &[&str] = &["\\", "@import", "expression", "javascript:", "-moz-binding", "behavior"];

/// Says what is wrong with an image, in a few words.
pub(super) fn check(text: &str) -> Result<(), String> {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text).trim_start();
    if let Some(declaration) = rest.strip_prefix("<?xml") {
        rest = after(declaration, "?>")?;
    }
    let mut is_first = true;
    while let Some((content, tag)) = rest.split_once('<') {
        check_style(content)?;
        rest = if let Some(comment) = tag.strip_prefix("!--") {
            after(comment, "-->")?
        } else if tag.starts_with("!DOCTYPE svg") && is_first {
            let (head, rest) = tag.split_once('>').ok_or("an unfinished tag")?;
            if head.contains('[') {
                return Err("an entity declaration".to_owned());
            }
            rest
        } else if let Some(name) = tag.strip_prefix('/') {
            after(name, ">")?
        } else {
            let (name, rest) = element(tag)?;
            if is_first && name != "svg" {
                return Err("no svg element at its start".to_owned());
            }
            is_first = false;
            rest
        };
    }
    check_style(rest)?;
    if is_first { Err("no svg element".to_owned()) } else { Ok(()) }
}

/// What follows the next `end`.
fn after<'t>(text: &'t str, end: &str) -> Result<&'t str, String> {
    text.split_once(end).map(|(_, rest)| rest).ok_or_else(|| "an unfinished tag".to_owned())
}

/// The name of an element whose `<` was read, and what follows its tag.
fn element(tag: &str) -> Result<(&str, &str), String> {
    let (name, mut rest) = name(tag);
    let local = name.strip_prefix("svg:").unwrap_or(name);
    if !ELEMENTS.contains(&local) {
        return Err(format!("the element {}", shown(tag)));
    }
    loop {
        let trimmed = rest.trim_start();
        if let Some(rest) = trimmed.strip_prefix("/>").or_else(|| trimmed.strip_prefix('>')) {
            return Ok((local, rest));
        }
        rest = attribute(trimmed)?;
    }
}

/// The letters, digits and few signs of a name, and what follows.
fn name(text: &str) -> (&str, &str) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_:.".contains(c);
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Reads an attribute; answers what follows.
fn attribute(text: &str) -> Result<&str, String> {
    let (key, rest) = name(text);
    let malformed = || format!("the attribute {}", shown(text));
    let value = rest.trim_start().strip_prefix('=').map(str::trim_start).ok_or_else(malformed)?;
    let quote = value.chars().next().filter(|c| "\"'".contains(*c)).ok_or_else(malformed)?;
    let (value, rest) =
        value.strip_prefix(quote).and_then(|v| v.split_once(quote)).ok_or_else(malformed)?;
    let lower = key.to_ascii_lowercase();
    let local = lower.rsplit(':').next().unwrap_or_default();
    let is_allowed = match local {
        "" | "base" => false,
        // References within the image only.
        "href" | "src" => value.starts_with('#'),
        _ => !local.starts_with("on") && !value.contains('<') && check_style(value).is_ok(),
    };
    if is_allowed { Ok(rest) } else { Err(format!("the attribute {key}")) }
}

/// Checks a text that may be a style, or an attribute that takes the same references.
fn check_style(text: &str) -> Result<(), String> {
    let lower: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let lower = lower.to_ascii_lowercase();
    let fetches = lower.match_indices("url(").any(|(at, found)| {
        let target = lower.get(at + found.len()..).unwrap_or_default();
        !target.trim_start_matches(['"', '\'']).starts_with('#')
    });
    if fetches || STYLES.iter().any(|part| lower.contains(part)) {
        return Err("a style that fetches or runs something".to_owned());
    }
    Ok(())
}

/// The beginning of a text, for a message.
fn shown(text: &str) -> String {
    text.chars().take_while(|c| !c.is_whitespace() && !"=<>/".contains(*c)).take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawings_are_taken() {
        for image in [
            "<svg/>",
            "\u{feff}<?xml version='1.0'?>\n<!DOCTYPE svg PUBLIC \"x\" \"y\"><!-- a < b --><svg\n\
             xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink='http://www.w3.org/1999/xlink' \
             viewBox=\"0 0 1 1\"><defs><linearGradient id='g'><stop offset = '0'/>\
             </linearGradient><style>.a { fill: url( #g ) }</style></defs>\
             <path class='a' d='M0 0' fill=\"url('#g')\"/><use xlink:href='#g'/>\
             <text>a &amp; b</text></svg>\n",
        ] {
            assert_eq!(check(image), Ok(()), "{image}");
        }
    }

    #[test]
    fn what_runs_or_fetches_is_refused() {
        for (inner, what) in [
            ("<script>alert(1)</script>", "the element script"),
            ("<SCRIPT/>", "the element SCRIPT"),
            ("<foreignObject/>", "the element foreignObject"),
            ("<image href='#a'/>", "the element image"),
            ("<animate/>", "the element animate"),
            ("<![CDATA[<script/>]]>", "the element ![CDATA["),
            ("<?xml-stylesheet href='x'?>", "the element ?xml-stylesheet"),
            ("<g onload='x'/>", "the attribute onload"),
            ("<g ev:OnLoad='x'/>", "the attribute ev:OnLoad"),
            ("<g xml:base='http://a/'/>", "the attribute xml:base"),
            ("<use href='https://a/b#c'/>", "the attribute href"),
            ("<use xlink:href=' javascript:x'/>", "the attribute xlink:href"),
            ("<use xlink:href='data:image/svg+xml,x'/>", "the attribute xlink:href"),
            ("<g style='fill:url(//a/b)'/>", "the attribute style"),
            ("<g fill='u\\72l(//a)'/>", "the attribute fill"),
            ("<g a=b/>", "the attribute a"),
            ("<g a/>", "the attribute a"),
            ("<g 'a'/>", "the attribute 'a'"),
            ("<style>@import 'a';</style>", "a style that fetches or runs something"),
            ("<style>a{b:url ( \"http://a\")}</style>", "a style that fetches or runs something"),
            ("<g a='<script>'/>", "the attribute a"),
            ("<g", "the attribute "),
            ("<!-- ", "an unfinished tag"),
        ] {
            let image = format!("<svg>{inner}");
            assert_eq!(check(&image), Err(what.to_owned()), "{image}");
        }
        for image in ["<!DOCTYPE svg [<!ENTITY a 'b'>]><svg/>", "<g/><svg/>", "text", ""] {
            assert!(check(image).is_err(), "{image}");
        }
    }
}
