//! Every kind of argument, and every mistake in one.

use quote::quote;

use super::*;

const ACCEPTED: &[Accepted] = &[
    ("room", Shape::Values("\"…\"")),
    ("always", Shape::Flag),
    ("guard", Shape::List),
    ("scope", Shape::Value("connection")),
];

fn read(tokens: TokenStream) -> (Arguments, String) {
    let mut errors = Errors::new();
    let read = arguments(tokens, ACCEPTED, true, &mut errors);
    (read, errors.into_tokens().unwrap_or_default().to_string())
}

fn mistake(tokens: TokenStream) -> String {
    let (read, errors) = read(tokens);
    assert!(read.is_broken, "{errors}");
    errors
}

#[test]
fn names_and_options_are_told_apart() {
    let (read, errors) = read(quote! {
        "a", events::B, C, Self::D, <T as Named>::E,
        always, room = "x", room = ROOM, guard(f, |a, b| a < b), scope = connection,
    });
    assert_eq!(errors, "");
    let names: Vec<String> = read.names.iter().map(Name::shown).collect();
    assert_eq!(names, ["a", "events::B", "C", "Self::D", "<TasNamed>::E"]);
    assert!(read.flag("always").is_some() && read.flag("ordered").is_none());
    assert_eq!(read.values("room").count(), 2);
    assert_eq!(read.list("guard").len(), 2);
}

#[test]
fn unknown_option_lists_the_accepted_ones() {
    let errors = mistake(quote!(to = "room"));
    assert!(
        errors.contains(
            "unknown option `to`; expected `room = \\\"…\\\"`, `always`, `guard(..)` or `scope = connection`\""
        ),
        "{errors}"
    );
}

#[test]
fn near_misses_are_named() {
    assert!(mistake(quote!(alway)).contains("did you mean `always`?"));
    assert!(mistake(quote!(gaurd(x))).contains("did you mean `guard`?"));
    for far in [quote!(to), quote!(nope), quote!(Always::X)] {
        let errors = arguments_without_names(far);
        assert!(!errors.contains("did you mean"), "{errors}");
    }
}

fn arguments_without_names(tokens: TokenStream) -> String {
    let mut errors = Errors::new();
    arguments(tokens, ACCEPTED, false, &mut errors);
    errors.into_tokens().unwrap_or_default().to_string()
}

#[test]
fn one_mistake_does_not_hide_the_next() {
    let errors = mistake(quote!(nope, always = 1, 5, "a" "b", room, always, always));
    assert!(errors.contains("unknown option `nope`"), "{errors}");
    assert!(errors.contains("`always` takes no value"), "{errors}");
    assert!(errors.contains("expected a name in quotes"), "{errors}");
    assert!(errors.contains("expected `,`"), "{errors}");
    assert!(errors.contains("`room` is written as `room = "), "{errors}");
    assert!(errors.contains("`always` is given twice"), "{errors}");
}

#[test]
fn distance_counts_single_letters() {
    let cases = [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("a", "a", 0)];
    for (a, b, expected) in cases {
        assert_eq!(distance(a, b), expected, "{a} {b}");
    }
}

#[test]
fn equal_names_have_equal_keys() {
    let (read, _) = read(quote!("A", A, "A", A));
    let keys: Vec<String> = read.names.iter().map(Name::key).collect();
    assert_eq!(keys[0], keys[2]);
    assert_eq!(keys[1], keys[3]);
    assert_ne!(keys[0], keys[1]);
}
