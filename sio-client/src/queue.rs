//! A bounded queue between the connection and a stream: the connection never waits for its reader.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// What a reader finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item<T> {
    Value(T),
    /// So many values had no room.
    Missed(u64),
}

#[derive(Debug)]
struct Inner<T> {
    items: VecDeque<T>,
    missed: u64,
    closed: bool,
    reader: Option<Waker>,
}

#[derive(Debug)]
pub(crate) struct Queue<T> {
    inner: Mutex<Inner<T>>,
    limit: usize,
}

impl<T> Queue<T> {
    pub(crate) fn new(limit: usize) -> Self {
        let inner = Inner { items: VecDeque::new(), missed: 0, closed: false, reader: None };
        Self { inner: Mutex::new(inner), limit: limit.max(1) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a value; without room it is counted only, so that what the reader has stays in order.
    pub(crate) fn push(&self, value: T) {
        let reader = {
            let mut inner = self.lock();
            if inner.items.len() < self.limit && inner.missed == 0 {
                inner.items.push_back(value);
            } else {
                inner.missed += 1;
            }
            inner.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// The reader gets what is there, and then the end.
    pub(crate) fn close(&self) {
        let reader = {
            let mut inner = self.lock();
            inner.closed = true;
            inner.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Item<T>>> {
        let mut inner = self.lock();
        if let Some(value) = inner.items.pop_front() {
            return Poll::Ready(Some(Item::Value(value)));
        }
        if inner.missed > 0 {
            return Poll::Ready(Some(Item::Missed(std::mem::take(&mut inner.missed))));
        }
        if inner.closed {
            return Poll::Ready(None);
        }
        inner.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_without_room_are_counted_where_they_are_missing() {
        let queue = Queue::new(2);
        let mut cx = Context::from_waker(Waker::noop());
        for value in 0..5 {
            queue.push(value);
        }
        let mut next = || queue.poll(&mut cx);
        assert_eq!(next(), Poll::Ready(Some(Item::Value(0))));
        queue.push(5);
        assert_eq!(next(), Poll::Ready(Some(Item::Value(1))));
        assert_eq!(next(), Poll::Ready(Some(Item::Missed(4))));
        queue.push(6);
        queue.close();
        assert_eq!(next(), Poll::Ready(Some(Item::Value(6))));
        assert_eq!(next(), Poll::Ready(None));
    }
}
