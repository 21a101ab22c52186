//! The settings document of a style: merging, and the built-in look.

use std::sync::{Arc, LazyLock};

use serde_json::Value;

/// The settings of the built-in look: every value that a style can change.
const DEFAULTS: &str = include_str!("default_settings.json");

/// Lays settings over others: objects member by member, anything else as a whole.
pub(super) fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (name, value) in over {
                match base.get_mut(&name) {
                    Some(old) => merge(old, value),
                    None => drop(base.insert(name, value)),
                }
            }
        }
        (base, over) => *base = over,
    }
}

/// The built-in settings. A test reads the document, so that it can't fail here.
static BUILT_IN: LazyLock<Arc<Value>> =
    LazyLock::new(|| Arc::new(serde_json::from_str(DEFAULTS).unwrap_or_default()));

/// All settings of a style: its own, and the built-in ones where it has none.
pub fn merged_with_defaults(own: Option<&Value>) -> Value {
    Value::clone(&in_effect(own))
}

/// The same for those who only read them, as each page does: most styles are the built-in one, which
/// is shared.
pub fn in_effect(own: Option<&Value>) -> Arc<Value> {
    let Some(own) = own else { return Arc::clone(&BUILT_IN) };
    let mut settings = Value::clone(&BUILT_IN);
    merge(&mut settings, own.clone());
    Arc::new(settings)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_merged_and_the_rest_is_replaced() {
        let mut base = json!({ "a": { "b": 1, "c": [1, 2] }, "d": 1, "e": { "f": 1 } });
        merge(&mut base, json!({ "a": { "c": [3], "g": null }, "d": { "h": 1 }, "e": 2 }));
        let expected = json!({ "a": { "b": 1, "c": [3], "g": null }, "d": { "h": 1 }, "e": 2 });
        assert_eq!(base, expected);
    }

    #[test]
    fn the_built_in_look_has_its_three_roots_and_complete_colours() {
        let settings = merged_with_defaults(None);
        let roots: Vec<_> = settings.as_object().unwrap().keys().collect();
        assert_eq!(roots, ["categories", "componentClasses", "components"]);
        let mut colours = 0;
        let mut left = vec![&settings];
        while let Some(value) = left.pop() {
            match value {
                Value::Object(members) => {
                    for (name, value) in members {
                        if let (true, Value::String(colour)) = (name.ends_with("Color"), value) {
                            let is_hex = colour.bytes().all(|b| b.is_ascii_hexdigit());
                            assert!(colour.len() == 8 && is_hex, "{name}: {colour}");
                            colours += 1;
                        }
                        left.push(value);
                    }
                    let modes = ["lightMode", "darkMode"].map(|mode| members.contains_key(mode));
                    assert_eq!(modes[0], modes[1], "{members:?}");
                }
                Value::Array(items) => left.extend(items),
                _ => {}
            }
        }
        assert!(colours > 80, "{colours}");
    }

    #[test]
    fn own_settings_win_over_the_built_in_ones() {
        let own = json!({ "components": { "form": { "borderRadius": 1.5 } }, "own": true });
        let settings = merged_with_defaults(Some(&own));
        assert_eq!(settings["components"]["form"]["borderRadius"], 1.5);
        assert_eq!(settings["components"]["form"]["logo"]["enabled"], false);
        assert_eq!(settings["own"], true);
    }
}
