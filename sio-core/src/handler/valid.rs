//! Arguments that are checked before the handler gets them.
#![cfg(feature = "garde")]

use std::ops::Deref;

use crate::packet::{ArgCursor, ArgError, EventArg, MAX_PROBLEMS, Problem};

/// The next argument, validated with [garde](::garde); the answer to one that is not valid has the code
/// `invalid` and lists `{path, message}` in its `data`, 32 at most.
///
/// It needs the feature `garde` of this crate, and garde 0.23 with its feature `derive` beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an extractor is destructured in parameters")]
pub struct Valid<T>(pub T);

impl<T> Deref for Valid<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> EventArg for Valid<T>
where
    T: EventArg + garde::Validate,
    T::Context: Default,
{
    type Wire = T::Wire;

    fn read(cur: &mut ArgCursor<'_>) -> Result<Self, ArgError> {
        let index = cur.index();
        let value = T::read(cur)?;
        match value.validate() {
            Ok(()) => Ok(Self(value)),
            Err(report) => {
                let problem = |(path, error): &(garde::Path, garde::Error)| Problem {
                    path: path.to_string(),
                    message: error.message().to_owned(),
                };
                let problems = report.iter().take(MAX_PROBLEMS).map(problem).collect();
                Err(ArgError::Rejected { index, problems })
            }
        }
    }
}
