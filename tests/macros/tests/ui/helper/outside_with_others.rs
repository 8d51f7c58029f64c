use sio_actix::prelude::*;

#[emit("a")]
fn a() {}
#[broadcast("a")]
fn b() {}
#[guard(f)]
fn c() {}
#[on_error(f)]
fn d() {}

fn main() {}
