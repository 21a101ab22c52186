//! The style sheet of the classic pages: rules for a fixed list of classes.

/// What refusals say of a style sheet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CssRefused {
    /// A rule for something else than one of the classes. For other selectors than classes the text
    /// is a belief.
    #[error("The CSS class {0} is not in the list of allowed classes.")]
    Class(String),
    /// A rule that fetches or runs something, such as `@import`. (The text is a belief.)
    #[error("The CSS contains {0}, which is not allowed.")]
    Part(&'static str),
    /// Not a list of rules. (The text is a belief.)
    #[error("The CSS is not valid.")]
    Malformed,
}

/// The parts of the classic pages that can be styled, without the ending of their classes.
const PARTS: [&str; 15] = [
    "background",
    "banner",
    "errorMessage",
    "idpButton",
    "idpDescription",
    "inputField",
    "label",
    "legalText",
    "logo",
    "passwordCheck-notValid",
    "passwordCheck-valid",
    "redirect",
    "socialButton",
    "submitButton",
    "textDescription",
];
/// The ending of every class.
const ENDING: &str = "-customizable";

/// Parts of a text that fetch or run something, or end the element that holds it. A backslash could
/// hide any other.
const FORBIDDEN: [&str; 10] = [
    "@import",
    "@supports",
    "@page",
    "@media",
    "javascript:",
    "expression(",
    "behavior:",
    "-moz-binding",
    "<",
    "\\",
];

/// Checks a style sheet.
pub(super) fn check(css: &str) -> Result<(), CssRefused> {
    let css = without_comments(css)?;
    let lower = css.to_ascii_lowercase();
    if let Some(part) = FORBIDDEN.into_iter().find(|part| lower.contains(part)) {
        return Err(CssRefused::Part(part));
    }
    if lower.contains('@') {
        return Err(CssRefused::Part("@"));
    }
    let mut rest = css.trim();
    while !rest.is_empty() {
        let (selectors, after) = rest.split_once('{').ok_or(CssRefused::Malformed)?;
        for selector in selectors.split(',') {
            check_selector(selector.trim())?;
        }
        let (declarations, after) = after.split_once('}').ok_or(CssRefused::Malformed)?;
        check_declarations(declarations)?;
        rest = after.trim_start();
    }
    Ok(())
}

/// The text without what is between `/*` and `*/`.
fn without_comments(css: &str) -> Result<String, CssRefused> {
    let mut kept = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, comment)) = rest.split_once("/*") {
        let (_, after) = comment.split_once("*/").ok_or(CssRefused::Malformed)?;
        kept.push_str(before);
        kept.push(' ');
        rest = after;
    }
    kept.push_str(rest);
    Ok(kept)
}

/// One class of the list, alone or in a state such as `:hover`.
fn check_selector(selector: &str) -> Result<(), CssRefused> {
    let refused =
        || CssRefused::Class(selector.trim_start_matches('.').chars().take(128).collect());
    let class = selector.strip_prefix('.').ok_or_else(refused)?;
    let (class, state) = class.split_once(':').unwrap_or((class, "hover"));
    let part = class.strip_suffix(ENDING).ok_or_else(refused)?;
    let state = state.strip_prefix(':').unwrap_or(state);
    let is_word = state.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    if PARTS.contains(&part) && is_word && !state.is_empty() { Ok(()) } else { Err(refused()) }
}

/// `name: value` pairs, parted by semicolons.
fn check_declarations(text: &str) -> Result<(), CssRefused> {
    if text.contains('{') {
        return Err(CssRefused::Malformed);
    }
    let mut declarations = text.split(';').map(str::trim).filter(|text| !text.is_empty());
    if declarations.all(|text| text.contains(':')) { Ok(()) } else { Err(CssRefused::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_for_the_listed_classes_are_taken() {
        let mut css = "/* all { */ .submitButton-customizable:hover, \
                       .inputField-customizable:focus { color: #fff; margin: 0 }\n"
            .to_owned();
        css.extend(PARTS.map(|part| format!(".{part}-customizable{{color:red;}}\n")));
        assert_eq!(check(&css), Ok(()));
        assert_eq!(check(".label-customizable::before{content:'a'}"), Ok(()));
        assert_eq!(check("  "), Ok(()));
    }

    #[test]
    fn other_selectors_are_refused_by_name() {
        for (css, class) in [
            (".foo{}", "foo"),
            (".foo-customizable{}", "foo-customizable"),
            ("body {}", "body"),
            (".label-customizable, .x {}", "x"),
            (".label-customizable a{}", "label-customizable a"),
            (".label-customizable:not(.a){}", "label-customizable:not(.a)"),
            (".label-customizable[a]{}", "label-customizable[a]"),
            ("{}", ""),
        ] {
            assert_eq!(check(css), Err(CssRefused::Class(class.to_owned())), "{css}");
        }
    }

    #[test]
    fn what_fetches_runs_or_breaks_out_is_refused() {
        for (css, part) in [
            ("@IMPORT url(a);", "@import"),
            ("@media print{}", "@media"),
            ("@font-face{}", "@"),
            (".label-customizable{a:url(JavaScript:b)}", "javascript:"),
            (".label-customizable{a:expression(b)}", "expression("),
            (".label-customizable{}</style>", "<"),
            (".label-customizable{a:\\75 rl(b)}", "\\"),
        ] {
            assert_eq!(check(css), Err(CssRefused::Part(part)), "{css}");
        }
        for css in [
            ".label-customizable",
            ".label-customizable{",
            ".label-customizable{a}",
            ".label-customizable{a:b{}}",
            "/* x",
        ] {
            assert_eq!(check(css), Err(CssRefused::Malformed), "{css}");
        }
    }
}
