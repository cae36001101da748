//! JSON Pointers (RFC 6901), taken apart once and followed often.

use super::super::strict_json::Node;

/// A way from the root of a record to a place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pointer {
    text: String,
    steps: Vec<String>,
}

impl Pointer {
    /// The pointer that is written so: empty for the whole record, else of the form `/a/b/0`.
    ///
    /// # Errors
    /// Why it is none.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix('/') else {
            let whole = text.is_empty().then(|| Self { text: String::new(), steps: Vec::new() });
            return whole
                .ok_or_else(|| "a JSON Pointer begins with \"/\", such as \"/alert/title\"".to_owned());
        };
        let steps: Option<Vec<String>> = rest.split('/').map(unescaped).collect();
        let steps = steps.ok_or("behind \"~\" comes 0, which means \"~\", or 1, which means \"/\"")?;
        Ok(Self { text: text.to_owned(), steps })
    }

    /// As it was written.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The keys on the way, without escapes.
    pub(super) fn steps(&self) -> &[String] {
        &self.steps
    }

    /// What lies there.
    pub(super) fn find<'n, 'a>(&self, root: &'n Node<'a>) -> Option<&'n Node<'a>> {
        self.steps.iter().try_fold(root, |node, step| below(node, step))
    }

    /// The last place on the way that is there, as a pointer, with what lies there and what is asked of it.
    pub(super) fn gap<'n, 'a>(&self, root: &'n Node<'a>) -> (String, &'n Node<'a>, Option<&str>) {
        let (mut node, mut place) = (root, String::new());
        for step in &self.steps {
            let Some(deeper) = below(node, step) else { return (place, node, Some(step)) };
            node = deeper;
            place.push('/');
            place.push_str(&step.replace('~', "~0").replace('/', "~1"));
        }
        (place, node, None)
    }

    /// May what lies there be a secret, by the name of its last step?
    pub(super) fn leads_to_a_secret(&self) -> bool {
        let last = self.steps.last().map(|step| step.to_ascii_lowercase()).unwrap_or_default();
        let telling =
            ["password", "passwd", "secret", "token", "credential", "authorization", "api_key", "apikey"];
        telling.iter().any(|word| last.contains(word))
    }
}

fn below<'n, 'a>(node: &'n Node<'a>, step: &str) -> Option<&'n Node<'a>> {
    match node {
        Node::Map(entries) => entries.iter().find(|(key, _)| key == step).map(|(_, value)| value),
        Node::List(items) => {
            let plain =
                step == "0" || (!step.starts_with('0') && step.bytes().all(|byte| byte.is_ascii_digit()));
            items.get(step.parse::<usize>().ok().filter(|_| plain)?)
        }
        _ => None,
    }
}

/// `a/b` of `a~1b`.
fn unescaped(step: &str) -> Option<String> {
    let mut parts = step.split('~');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = match part.as_bytes().first()? {
            b'0' => '~',
            b'1' => '/',
            _ => return None,
        };
        plain.push(rest);
        plain.push_str(&part[1..]);
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::super::super::strict_json::parse;
    use super::*;
    use crate::domain::event::Bounds;

    #[test]
    fn a_pointer_leads_where_the_standard_says() {
        // The document and the answers of RFC 6901, section 5.
        let raw =
            br#"{"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "k\"l": 6, " ": 7, "m~n": 8}"#;
        let root = parse(raw, &Bounds::default()).expect("it is JSON");
        let found = |pointer: &str| {
            let pointer = Pointer::parse(pointer).expect("a pointer");
            pointer.find(&root).map(|node| node.clone().into_value().to_string())
        };
        let table = [("/foo/0", "\"bar\""), ("/", "0"), ("/a~1b", "1"), ("/c%d", "2"), ("/e^f", "3")];
        for (pointer, value) in table.into_iter().chain([("/k\"l", "6"), ("/ ", "7"), ("/m~0n", "8")]) {
            assert_eq!(found(pointer).as_deref(), Some(value), "{pointer}");
        }
        assert!(found("").is_some());
        for nowhere in ["/foo/2", "/foo/01", "/foo/-1", "/foo/+1", "/foo/bar", "/fo", "/foo/0/x", "/foo/"] {
            assert_eq!(found(nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn what_is_no_pointer_is_told() {
        for bad in ["foo", "foo/bar", "$.foo", "/a~", "/a~2", "/a~é"] {
            assert!(Pointer::parse(bad).is_err(), "{bad}");
        }
    }
}
