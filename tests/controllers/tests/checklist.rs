//! The checklist of the design, each point as one or more named tests: `e05_…` is point 5.
//!
//! Names without a number are rows of the tables of parameters and results.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    clippy::unused_async,
    reason = "handlers of tests own what they are given, and assertions fail by panicking"
)]

mod checklist_01_arguments;
mod checklist_02_acks;
mod checklist_02_manual_acks;
mod checklist_03_ack_wins;
mod checklist_04_emit_rooms;
mod checklist_05_broadcast;
mod checklist_06_falsy_values;
mod checklist_07_connect_guards;
mod checklist_08_connect_middleware;
mod checklist_09_slow_connection;
mod checklist_10_connection_emits;
mod checklist_11_order;
mod checklist_12_disconnect;
mod checklist_13_connection_scope;
mod checklist_14_two_controllers;
mod checklist_15_dynamic_namespaces;
mod checklist_16_error_hooks;
mod checklist_17_global_chain;
mod checklist_18_event_field;
mod checklist_19_lists;
mod checklist_20_reasons;
mod checklist_21_test_client;
mod checklist_24_diagnostics;
mod events;
mod parameters_arguments;
mod parameters_binary;
mod parameters_context;
mod recovery;
mod registration;
mod results;
mod results_streams;
mod server_side;
mod streams_flow;
