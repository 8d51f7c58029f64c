use super::*;

fn rooms() -> Rooms<u32> {
    Rooms::new("a")
}

/// Puts somebody into a room who must be let in.
fn enter(rooms: &mut Rooms<u32>, id: u32, nick: &str, room: &str) -> Joined {
    rooms.join(&id, nick, room, &[], 0).expect("let in")
}

fn texts(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

/// The ids, ends and members of everything; to be the same after a refusal.
fn state(rooms: &Rooms<u32>) -> String {
    let mut people: Vec<_> = rooms.people.iter().collect();
    people.sort_by_key(|(id, _)| **id);
    let history: BTreeMap<_, _> = rooms.rooms.iter().map(|(n, r)| (n, &r.history)).collect();
    format!("{people:?} {:?} {history:?} {:?}", rooms.list(), rooms.empty)
}

#[test]
fn a_nickname_of_no_or_too_many_characters_is_refused() {
    let mut rooms = rooms();
    for (nick, chars) in [("", 0), (" \t\u{feff}\n", 0), (&"ü".repeat(25), 25)] {
        assert_eq!(rooms.join(&1, nick, "a", &[], 0), Err(Refusal::Nick(chars)));
    }
    assert!(rooms.list().is_empty());
    assert_eq!(enter(&mut rooms, 1, &"ü".repeat(24), "a").snapshot.members.len(), 1);
}

#[test]
fn a_room_name_of_no_or_too_many_characters_is_refused() {
    let mut rooms = rooms();
    for (room, chars) in [("", 0), ("  ", 0), (&"ü".repeat(33), 33)] {
        assert_eq!(rooms.join(&1, "Ann", room, &[], 0), Err(Refusal::Room(chars)));
    }
    assert!(rooms.list().is_empty());
    assert_eq!(enter(&mut rooms, 1, "Ann", &"ü".repeat(32)).snapshot.members, ["Ann"]);
}

#[test]
fn a_text_of_no_or_too_many_characters_is_refused() {
    let mut rooms = rooms();
    enter(&mut rooms, 1, "Ann", "a");
    let before = state(&rooms);
    for (text, chars) in [("", 0), (" \n ", 0), (&"ü".repeat(2_001), 2_001)] {
        assert_eq!(rooms.say(&1, text, 0), Err(Refusal::Text(chars)));
        assert_eq!(rooms.notice("a", text, &[], 0), Err(Refusal::Text(chars)));
    }
    assert_eq!(state(&rooms), before);
    assert!(rooms.say(&1, &"ü".repeat(2_000), 0).is_ok());
}

#[test]
fn a_nickname_in_use_is_refused_in_that_room_only() {
    let mut rooms = rooms();
    enter(&mut rooms, 1, "Ann", "a");
    assert_eq!(rooms.join(&2, " Ann ", "a", &[], 0), Err(Refusal::NickTaken));
    enter(&mut rooms, 2, "Ann", "b");
    assert_eq!(rooms.join(&2, "Ann", "a", &[], 0), Err(Refusal::NickTaken));
    rooms.leave(&1, 0);
    enter(&mut rooms, 2, "Ann", "a");
}

#[test]
fn a_refused_join_changes_nothing() {
    let mut rooms = rooms();
    enter(&mut rooms, 1, "Ann", "a");
    enter(&mut rooms, 2, "Bob", "b");
    let before = state(&rooms);
    assert_eq!(rooms.join(&2, "Ann", "a", &[], 0), Err(Refusal::NickTaken));
    assert_eq!(rooms.join(&2, "", "c", &[], 0), Err(Refusal::Nick(0)));
    assert_eq!(rooms.join(&2, "Bob", "", &[], 0), Err(Refusal::Room(0)));
    assert_eq!(state(&rooms), before);
    assert_eq!(rooms.say(&2, "still here", 0).unwrap().room, "b");
}

#[test]
fn who_is_in_no_room_can_neither_speak_nor_leave() {
    let mut rooms = rooms();
    assert_eq!(rooms.say(&1, "hello", 0), Err(Refusal::NotJoined));
    assert_eq!(rooms.leave(&1, 0), None);
    enter(&mut rooms, 1, "Ann", "a");
    assert!(rooms.leave(&1, 0).is_some());
    assert_eq!(rooms.say(&1, "hello", 0), Err(Refusal::NotJoined));
    assert_eq!(rooms.leave(&1, 0), None);
    assert_eq!(rooms.place(&1), None);
}

#[test]
fn a_notice_makes_no_room() {
    let mut rooms = rooms();
    assert_eq!(rooms.notice("a", "hello", &[], 0), Err(Refusal::UnknownRoom));
    assert!(rooms.list().is_empty());
    enter(&mut rooms, 1, "Ann", "a");
    let said = rooms.notice(" a ", "hello", &[], 7).unwrap();
    assert_eq!((said.room.as_str(), said.line.system, said.line.at), ("a", true, 7));
}

#[test]
fn a_room_keeps_its_last_lines() {
    let mut rooms = rooms();
    enter(&mut rooms, 1, "Ann", "a");
    for n in 0..HISTORY - 1 {
        rooms.say(&1, &n.to_string(), 0).unwrap();
    }
    let full = enter(&mut rooms, 1, "Ann", "a").snapshot.history;
    assert_eq!((full.len(), full[0].text.as_str()), (HISTORY, "Ann joined"));
    rooms.say(&1, "one more", 0).unwrap();
    let full = enter(&mut rooms, 1, "Ann", "a").snapshot.history;
    assert_eq!((full.len(), full[0].text.as_str()), (HISTORY, "0"));
    assert_eq!(full[HISTORY - 1].text, "one more");
}

#[test]
fn the_room_that_was_empty_for_longest_is_forgotten() {
    let mut rooms = rooms();
    for id in 0..u32::try_from(MAX_ROOMS).unwrap() {
        enter(&mut rooms, id, "Ann", &format!("room {id}"));
    }
    // In this order; a room that was entered again is not empty, and then empty for less long.
    for id in [5, 3, 4] {
        rooms.leave(&id, 0);
    }
    enter(&mut rooms, 5, "Ann", "room 5");
    rooms.leave(&5, 0);
    assert_eq!(rooms.list().len(), MAX_ROOMS);

    let known = |rooms: &Rooms<u32>, name: &str| rooms.rooms.contains_key(name);
    enter(&mut rooms, 10_000, "Bob", "new 1");
    assert!(!known(&rooms, "room 3") && known(&rooms, "room 4") && known(&rooms, "room 5"));
    enter(&mut rooms, 10_001, "Bob", "new 2");
    enter(&mut rooms, 10_002, "Bob", "new 3");
    assert!(!known(&rooms, "room 4") && !known(&rooms, "room 5"));
    assert_eq!(rooms.list().len(), MAX_ROOMS);
    assert!(rooms.empty.is_empty());

    // Rooms with people stay above the limit, until they are empty.
    enter(&mut rooms, 10_003, "Bob", "new 4");
    assert_eq!(rooms.list().len(), MAX_ROOMS + 1);
    rooms.leave(&10_003, 0);
    assert_eq!(rooms.list().len(), MAX_ROOMS);
    assert!(!known(&rooms, "new 4") && known(&rooms, "new 1"));
}

#[test]
fn rejoining_under_the_same_nickname_tells_nobody() {
    let mut rooms = rooms();
    enter(&mut rooms, 1, "Ann", "a");
    let again = enter(&mut rooms, 1, "Ann ", " a");
    assert_eq!((again.left, again.line), (None, None));
    assert_eq!(again.snapshot.members, ["Ann"]);
    assert_eq!(texts(&again.snapshot.history), ["Ann joined"]);
}

#[test]
fn another_nickname_in_the_same_room_replaces_the_first() {
    let mut rooms = rooms();
    enter(&mut rooms, 1, "Ann", "a");
    let joined = enter(&mut rooms, 1, "Anna", "a");
    assert_eq!(joined.left.unwrap().line.text, "Ann left");
    assert_eq!(joined.snapshot.members, ["Anna"]);
    assert_eq!(texts(&joined.snapshot.history), ["Ann joined", "Ann left"]);
    assert!(rooms.empty.is_empty());
    enter(&mut rooms, 2, "Ann", "a");
}

#[test]
fn joining_another_room_leaves_the_former() {
    let mut rooms = rooms();
    enter(&mut rooms, 1, "Ann", "a");
    enter(&mut rooms, 2, "Bob", "a");
    let joined = enter(&mut rooms, 2, "Bob", "b");
    let left = joined.left.unwrap();
    assert_eq!((left.room.as_str(), left.line.text.as_str()), ("a", "Bob left"));
    assert_eq!(left.members, ["Ann"]);
    assert_eq!(joined.snapshot.members, ["Bob"]);
    assert_eq!(joined.line.unwrap().text, "Bob joined");
    let summary = |room: &str, members| Summary { room: room.to_owned(), members };
    assert_eq!(rooms.list(), [summary("a", 1), summary("b", 1)]);
}

#[test]
fn a_snapshot_has_oneself_and_the_lines_before() {
    let mut rooms = rooms();
    enter(&mut rooms, 1, "Ann", "a");
    rooms.say(&1, "first", 0).unwrap();
    let joined = enter(&mut rooms, 2, "Bob", "a");
    assert_eq!(joined.snapshot.members, ["Ann", "Bob"]);
    assert_eq!(texts(&joined.snapshot.history), ["Ann joined", "first"]);
    let newest = joined.snapshot.history.last().unwrap().id;
    assert!(joined.line.unwrap().id > newest);
}

#[test]
fn the_history_outlives_an_empty_room() {
    let mut rooms = rooms();
    enter(&mut rooms, 1, "Ann", "a");
    rooms.say(&1, "for later", 0).unwrap();
    rooms.leave(&1, 0);
    let history = enter(&mut rooms, 2, "Bob", "a").snapshot.history;
    assert_eq!(texts(&history), ["Ann joined", "for later", "Ann left"]);
}

fn part(node: &str, members: &[&str], history: Vec<Line>) -> Part {
    let members = members.iter().map(|&nick| nick.to_owned()).collect();
    Part { node: node.to_owned(), members, history }
}

#[test]
fn a_nickname_in_use_on_another_node_is_refused() {
    let mut rooms = rooms();
    let before = state(&rooms);
    let others = [part("b", &["Ann"], vec![]), part("c", &[], vec![])];
    assert_eq!(rooms.join(&1, "Ann", "a", &others, 0), Err(Refusal::NickTaken));
    assert_eq!(state(&rooms), before);
    assert!(rooms.join(&1, "Bob", "a", &others, 0).is_ok());
    // Who is here already stays, whatever an answer from before says.
    let others = [part("b", &["Bob"], vec![])];
    assert!(rooms.join(&1, "Bob", "a", &others, 0).is_ok());
}

#[test]
fn a_snapshot_has_what_the_other_nodes_have() {
    let (mut here, mut there) = (Rooms::new("a"), Rooms::new("b"));
    for (at, rooms) in [(1, &mut there), (2, &mut here)] {
        rooms.join(&1, &format!("at {at}"), "a", &[], at).unwrap();
        rooms.say(&1, &format!("early {at}"), at + 2).unwrap();
    }
    there.say(&1, "late", 9).unwrap();
    let snapshot = here.join(&2, "Bob", "a", &[there.part("a")], 10).unwrap().snapshot;
    assert_eq!(
        texts(&snapshot.history),
        ["at 1 joined", "at 2 joined", "early 1", "early 2", "late"]
    );
    assert_eq!((snapshot.node.as_str(), snapshot.members.len()), ("a", 2));
    assert_eq!(snapshot.elsewhere, BTreeMap::from([("b".to_owned(), vec!["at 1".to_owned()])]));
}

#[test]
fn a_snapshot_has_no_more_lines_from_many_nodes_than_from_one() {
    let mut rooms = rooms();
    let mut ids = LineIds::new("b");
    let mut line = |text: &str, at| ids.line("Cid", text.to_owned(), false, at);
    let history = (1..=60).map(|at| line("said", at)).collect();
    let others = [part("b", &[], history), part("c", &[], vec![line("last", 61)])];
    let history = rooms.join(&1, "Ann", "a", &others, 99).unwrap().snapshot.history;
    assert_eq!((history.len(), history[HISTORY - 1].text.as_str()), (HISTORY, "last"));
}

#[test]
fn ids_of_lines_rise_and_differ_between_nodes() {
    let (mut a, mut b) = (LineIds::new("a"), LineIds::new("b"));
    let id = |ids: &mut LineIds, at| ids.line("", String::new(), true, at).id;
    let first = id(&mut a, 1_000);
    assert_ne!(first, id(&mut b, 1_000));
    let same = id(&mut a, 1_000);
    // The clock may go back.
    let back = id(&mut a, 900);
    assert!(first < same && same < back, "{first} {same} {back}");
    assert!(id(&mut b, 1_003) > back);
    // JavaScript counts to 2^53 - 1; this is the year 2200.
    assert!(id(&mut a, 7_258_118_400_000) < (1 << 53) - 1);
}

#[test]
fn a_notice_to_a_room_of_another_node_is_said() {
    let mut rooms = rooms();
    let mut ids = LineIds::new("b");
    let known = part("b", &[], vec![ids.line("Ann", "Ann left".to_owned(), true, 1)]);
    assert_eq!(rooms.notice("a", "hello", &[part("b", &[], vec![])], 2), Err(Refusal::UnknownRoom));
    assert_eq!(rooms.notice("a", "", std::slice::from_ref(&known), 2), Err(Refusal::Text(0)));
    assert!(rooms.list().is_empty());
    assert_eq!(rooms.notice(" a ", "hello", &[known], 2).unwrap().room, "a");
    assert_eq!(texts(&rooms.part("a").history), ["hello"]);
    // As an empty room it is forgotten in its turn.
    assert_eq!(rooms.empty.len(), 1);
    enter(&mut rooms, 1, "Ann", "a");
    assert!(rooms.empty.is_empty());
}

#[test]
fn text_is_trimmed_as_the_page_does() {
    assert_eq!(fitting("\u{feff} \u{a0}\u{2028}a b\u{3000}\r\n", 9).unwrap(), "a b");
    assert_eq!(fitting("\u{85}a\u{85}", 9).unwrap(), "\u{85}a\u{85}");
}

#[test]
fn a_refusal_has_its_code_the_limit_and_the_length() {
    let refusals = [
        (Refusal::Nick(25), "invalid_nick", "a nickname has 1 to 24 characters, not 25"),
        (Refusal::Room(0), "invalid_room", "a room name has 1 to 32 characters, not 0"),
        (Refusal::Text(2_001), "invalid_text", "a text has 1 to 2000 characters, not 2001"),
        (Refusal::NickTaken, "nick_taken", "somebody in this room has that nickname"),
        (Refusal::NotJoined, "not_joined", "join a room first"),
        (Refusal::UnknownRoom, "unknown_room", "there is no such room"),
    ];
    for (refusal, code, message) in refusals {
        assert_eq!((refusal.code(), refusal.to_string().as_str()), (code, message));
    }
}
