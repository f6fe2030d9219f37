//! How deep and how wide a JSON text is, in one look and without building anything.
//! It runs in each visitor's browser, on what the engine's own `JSON.stringify` wrote: the text is taken to be JSON.

/// How deep and how wide a JSON value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shape {
    /// Objects and arrays inside one another, the outermost counted; 0 for a plain value.
    pub(crate) depth: usize,
    /// Keys of all objects at every depth.
    pub(crate) keys: usize,
}

impl Shape {
    /// Measures a text that is JSON (RFC 8259): outside of strings there is a colon for each key.
    pub(crate) fn of(text: &[u8]) -> Self {
        let (mut shape, mut open) = (Self::default(), 0usize);
        let mut bytes = text.iter();
        while let Some(byte) = bytes.next() {
            match byte {
                b'"' => skip_string(&mut bytes),
                b'{' | b'[' => {
                    open += 1;
                    shape.depth = shape.depth.max(open);
                }
                b'}' | b']' => open = open.saturating_sub(1),
                b':' => shape.keys += 1,
                _ => {}
            }
        }
        shape
    }
}

/// Goes behind the quote that ends a string.
fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => _ = bytes.next(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn measured(depth: usize, keys: usize) -> Shape {
        Shape { depth, keys }
    }

    /// The same, from the tree that `serde_json` builds.
    fn of_tree(value: &Value) -> Shape {
        let (inner, own) = match value {
            Value::Array(items) => (items.iter().map(of_tree).collect::<Vec<_>>(), 0),
            Value::Object(members) => (members.values().map(of_tree).collect(), members.len()),
            _ => return Shape::default(),
        };
        Shape {
            depth: 1 + inner.iter().map(|shape| shape.depth).max().unwrap_or(0),
            keys: own + inner.iter().map(|shape| shape.keys).sum::<usize>(),
        }
    }

    #[test]
    fn depth_counts_the_outermost_and_keys_count_at_every_depth() {
        assert_eq!(Shape::of(b"5"), measured(0, 0));
        assert_eq!(Shape::of(b"{}"), measured(1, 0));
        assert_eq!(Shape::of(br#"{"a":[{"b":1},{"c":2}],"d":{}}"#), measured(3, 4));
    }

    #[test]
    fn braces_and_colons_inside_strings_do_not_count() {
        assert_eq!(Shape::of(br#"{"a{[:":"}]:\"{{\\"}"#), measured(1, 1));
    }

    #[test]
    fn a_bomb_of_a_hundred_thousand_brackets_is_measured_and_broken_text_harms_nothing() {
        let bomb = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Shape::of(bomb.as_bytes()), measured(100_000, 0));
        assert_eq!(Shape::of(b"]]}}[\"\\"), measured(1, 0));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            r#"[a-c"\\:{}\[\]]{0,6}"#.prop_map(Value::from)
        ];
        leaf.prop_recursive(5, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(r#"[a-c"\\:{}]{0,4}"#, inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]
        #[test]
        fn it_agrees_with_the_tree_however_the_text_is_written(value in any_json()) {
            for text in [serde_json::to_string(&value).unwrap(), serde_json::to_string_pretty(&value).unwrap()] {
                prop_assert_eq!(Shape::of(text.as_bytes()), of_tree(&value), "{}", text);
            }
        }
    }
}
