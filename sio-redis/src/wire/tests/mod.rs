//! Refusals by message; the rest is compared with recorded traffic.

mod generic;
mod refusals;
mod values;
mod vectors;
