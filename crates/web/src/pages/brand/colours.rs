//! Colours and corners as variables of the stylesheet.

use std::fmt::Write as _;

use serde_json::Value;

use super::Scheme;

/// Variables, and where the settings have their colours; `*` stands for the mode.
const COLOURS: &[(&str, &str)] = &[
    ("page", "/components/pageBackground/*/color"),
    ("form", "/components/form/*/backgroundColor"),
    ("form-border", "/components/form/*/borderColor"),
    ("heading", "/components/pageText/*/headingColor"),
    ("text", "/components/pageText/*/bodyColor"),
    ("description", "/components/pageText/*/descriptionColor"),
    ("label", "/componentClasses/inputLabel/*/textColor"),
    ("hint", "/componentClasses/inputDescription/*/textColor"),
    ("input", "/componentClasses/input/*/defaults/backgroundColor"),
    ("input-border", "/componentClasses/input/*/defaults/borderColor"),
    ("placeholder", "/componentClasses/input/*/placeholderColor"),
    ("focus", "/componentClasses/focusState/*/borderColor"),
    ("link", "/componentClasses/link/*/defaults/textColor"),
    ("link-hover", "/componentClasses/link/*/hover/textColor"),
    ("divider", "/componentClasses/divider/*/borderColor"),
    ("option", "/componentClasses/optionControls/*/defaults/backgroundColor"),
    ("option-border", "/componentClasses/optionControls/*/defaults/borderColor"),
    ("option-on", "/componentClasses/optionControls/*/selected/backgroundColor"),
    ("option-mark", "/componentClasses/optionControls/*/selected/foregroundColor"),
    ("menu", "/componentClasses/dropDown/*/defaults/itemBackgroundColor"),
    ("menu-hover", "/componentClasses/dropDown/*/hover/itemBackgroundColor"),
    ("menu-hover-border", "/componentClasses/dropDown/*/hover/itemBorderColor"),
    ("menu-hover-text", "/componentClasses/dropDown/*/hover/itemTextColor"),
    ("menu-match-text", "/componentClasses/dropDown/*/match/itemTextColor"),
    ("error-sign", "/componentClasses/statusIndicator/*/error/indicatorColor"),
    ("success", "/componentClasses/statusIndicator/*/success/backgroundColor"),
    ("success-border", "/componentClasses/statusIndicator/*/success/borderColor"),
    ("success-sign", "/componentClasses/statusIndicator/*/success/indicatorColor"),
    ("pending-sign", "/componentClasses/statusIndicator/*/pending/indicatorColor"),
    ("error", "/components/alert/*/error/backgroundColor"),
    ("error-border", "/components/alert/*/error/borderColor"),
    ("primary", "/components/primaryButton/*/defaults/backgroundColor"),
    ("primary-text", "/components/primaryButton/*/defaults/textColor"),
    ("primary-hover", "/components/primaryButton/*/hover/backgroundColor"),
    ("primary-hover-text", "/components/primaryButton/*/hover/textColor"),
    ("primary-active", "/components/primaryButton/*/active/backgroundColor"),
    ("primary-active-text", "/components/primaryButton/*/active/textColor"),
    ("secondary", "/components/secondaryButton/*/defaults/backgroundColor"),
    ("secondary-border", "/components/secondaryButton/*/defaults/borderColor"),
    ("secondary-text", "/components/secondaryButton/*/defaults/textColor"),
    ("secondary-hover", "/components/secondaryButton/*/hover/backgroundColor"),
    ("secondary-hover-border", "/components/secondaryButton/*/hover/borderColor"),
    ("secondary-hover-text", "/components/secondaryButton/*/hover/textColor"),
    ("secondary-active", "/components/secondaryButton/*/active/backgroundColor"),
    ("secondary-active-border", "/components/secondaryButton/*/active/borderColor"),
    ("secondary-active-text", "/components/secondaryButton/*/active/textColor"),
    ("idp", "/components/idpButton/standard/*/defaults/backgroundColor"),
    ("idp-border", "/components/idpButton/standard/*/defaults/borderColor"),
    ("idp-text", "/components/idpButton/standard/*/defaults/textColor"),
    ("idp-hover", "/components/idpButton/standard/*/hover/backgroundColor"),
    ("idp-hover-border", "/components/idpButton/standard/*/hover/borderColor"),
    ("idp-hover-text", "/components/idpButton/standard/*/hover/textColor"),
    ("idp-active", "/components/idpButton/standard/*/active/backgroundColor"),
    ("idp-active-border", "/components/idpButton/standard/*/active/borderColor"),
    ("idp-active-text", "/components/idpButton/standard/*/active/textColor"),
    ("header", "/components/pageHeader/*/background/color"),
    ("header-border", "/components/pageHeader/*/borderColor"),
    ("footer", "/components/pageFooter/*/background/color"),
    ("footer-border", "/components/pageFooter/*/borderColor"),
];

/// Variables, and where the settings have their corners.
const CORNERS: &[(&str, &str)] = &[
    ("form-corner", "/components/form/borderRadius"),
    ("button-corner", "/componentClasses/buttons/borderRadius"),
    ("input-corner", "/componentClasses/input/borderRadius"),
    ("menu-corner", "/componentClasses/dropDown/borderRadius"),
    ("alert-corner", "/components/alert/borderRadius"),
];

/// The largest radius of a corner, in pixels: more looks the same.
const ROUNDEST: f64 = 100.0;

/// The variables for the colours of a scheme, and the corners.
pub(super) fn variables(settings: &Value, scheme: Scheme) -> String {
    let (light, dark) = (|| colours(settings, "lightMode"), || colours(settings, "darkMode"));
    let corners = corners(settings);
    match scheme {
        Scheme::Light => format!(":root{{color-scheme:light;{}{corners}}}", light()),
        Scheme::Dark => format!(":root{{color-scheme:dark;{}{corners}}}", dark()),
        Scheme::Dynamic => format!(
            ":root{{color-scheme:light dark;{}{corners}}}\
             @media(prefers-color-scheme:dark){{:root{{{}}}}}",
            light(),
            dark(),
        ),
    }
}

fn colours<'a>(settings: &'a Value, mode: &str) -> String {
    // Without `Value::pointer`, which copies each name of a path: this is done for each page.
    let at = |path: &str| {
        let mut names = path.split('/').skip(1);
        let found = |value: &'a Value, name| value.get(if name == "*" { mode } else { name });
        names.try_fold(settings, found)
    };
    let mut css = String::new();
    for (name, path) in COLOURS {
        let value = at(path).and_then(Value::as_str);
        if let Some(colour) = value.filter(|colour| is_colour(colour)) {
            let _ = write!(css, "--{name}:#{colour};");
        }
    }
    css
}

/// Whether a text is `RRGGBB` or `RRGGBBAA`; anything else could be more than a colour.
fn is_colour(text: &str) -> bool {
    matches!(text.len(), 6 | 8) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn corners(settings: &Value) -> String {
    let mut css = String::new();
    for (name, pointer) in CORNERS {
        if let Some(radius) = settings.pointer(pointer).and_then(Value::as_f64) {
            let _ = write!(css, "--{name}:{}px;", radius.clamp(0.0, ROUNDEST));
        }
    }
    css
}

#[cfg(test)]
mod tests {
    use poolhouse_domain::branding::merged_with_defaults;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_built_in_look_has_every_variable_in_both_modes() {
        let settings = merged_with_defaults(None);
        for mode in ["lightMode", "darkMode"] {
            assert_eq!(colours(&settings, mode).matches("--").count(), COLOURS.len(), "{mode}");
        }
        assert_eq!(corners(&settings).matches("--").count(), CORNERS.len());
    }

    #[test]
    fn own_colours_and_corners_take_effect() {
        let own = json!({
            "components": { "primaryButton": { "darkMode": {
                "defaults": { "backgroundColor": "8a2be2ff" } } } },
            "componentClasses": { "buttons": { "borderRadius": 1.5 } },
        });
        let settings = merged_with_defaults(Some(&own));
        let css = variables(&settings, Scheme::Dynamic);
        assert!(css.contains("--primary:#8a2be2ff;"), "{css}");
        assert!(css.contains("--button-corner:1.5px;"), "{css}");
        assert!(!variables(&settings, Scheme::Light).contains("8a2be2ff"));
    }

    #[test]
    fn what_is_no_colour_or_radius_is_left_out() {
        let settings = json!({
            "components": {
                "pageBackground": { "lightMode": { "color": "red;}</style>" } },
                "form": { "borderRadius": "1px}" , "lightMode": { "borderColor": "12345678" } },
                "alert": { "borderRadius": -1e300 },
            },
        });
        let css = variables(&settings, Scheme::Light);
        let expected = ":root{color-scheme:light;--form-border:#12345678;--alert-corner:0px;}";
        assert_eq!(css, expected);
    }
}
