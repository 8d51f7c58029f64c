//! Random plays; see `play`.

use crate::play::{Rules, run};

#[test]
fn what_is_said_during_one_move_arrives_once_and_in_order() {
    run(Rules::default(), 600);
}

#[test]
fn what_is_pushed_during_one_move_is_handled_once_and_in_order() {
    run(Rules { pushes: true, ..Rules::default() }, 600);
}

#[test]
fn rooms_of_one_emitter_are_exact_during_one_move() {
    run(Rules { rooms: true, ..Rules::default() }, 600);
}

#[test]
fn nothing_is_lost_over_several_moves() {
    run(Rules { fails: true, pushes: true, ..Rules::default() }, 600);
}

#[test]
fn nothing_is_lost_when_requests_give_up() {
    run(Rules { fails: true, gives_up: true, pushes: true, ..Rules::default() }, 600);
}

#[test]
fn a_session_that_ends_anywhere_leaves_nothing_behind() {
    run(Rules { fails: true, ends: true, ..Rules::default() }, 600);
}
