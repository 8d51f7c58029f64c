//! Patterns of channels, and what stands in their names.

/// Fits the broadcasts of a namespace in classic mode.
///
/// Differs from the reference: characters of the namespace that mean something in a pattern are escaped.
/// Without, `/a*` would hear `/ab`, and a name with a backslash would hear nothing.
pub(crate) fn pattern(prefix: &str, namespace: &str) -> String {
    starting_with(&crate::wire::channel::namespace(prefix, namespace))
}

/// A pattern that fits all names with this beginning.
pub(crate) fn starting_with(name: &str) -> String {
    let mut pattern = String::with_capacity(name.len() + 1);
    for character in name.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '\\' | '^') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('*');
    pattern
}

/// What stands between `start` and the closing `#` of a channel's name, if that is one name.
pub(crate) fn last_part<'a>(channel: &'a str, start: &str) -> Option<&'a str> {
    let name = channel.strip_prefix(start)?.strip_suffix('#')?;
    (!name.is_empty() && !name.contains('#')).then_some(name)
}

/// Whether this has the form of an id of a node: 16 lower-case hexadecimal digits.
pub(crate) fn is_node_id(name: &str) -> bool {
    name.len() == 16 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_patterns_are_escaped() {
        assert_eq!(pattern("socket.io", "/"), "socket.io#/#*");
        assert_eq!(pattern("p", r"/a*[b]\?"), r"p#/a\*\[b\]\\\?#*");
    }

    #[test]
    fn a_part_is_one_name() {
        assert_eq!(last_part("p#/#abc#", "p#/#"), Some("abc"));
        assert_eq!(last_part("p#/#", "p#/#"), None);
        assert_eq!(last_part("p#/#a#b#", "p#/#"), None);
    }

    #[test]
    fn an_id_of_a_node_is_not_any_room() {
        assert!(is_node_id("966e11c953dadcd1"));
        assert!(!is_node_id("966E11C953DADCD1"));
        assert!(!is_node_id("room1"));
    }
}
