//! Acks of a broadcast from the sockets of all nodes.
//!
//! This node counts as one of them: its own sockets answer by the same way as the other nodes.

use std::sync::Arc;
use std::time::Duration;

use crate::cluster::{ClusterError, Message, Response};
use crate::handler::EncodedArgs;

use super::super::ack::{AckArgs, AckError};
use super::super::broadcast::BroadcastOperator;
use super::super::broadcast_ack::{Collector, Everywhere, Heard, Outcome, Question};
use super::super::hub::Hub;
use super::super::namespace::Namespace;
use super::requests::{News, Request};
use super::waiting::{Step, Waiting};
use super::{Cluster, event_data};

impl Hub {
    /// What connects this server with others, unless it has left them.
    pub(in crate::server) fn joined_cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref().filter(|cluster| !cluster.has_left())
    }
}

/// Sends an event to the selected sockets of all nodes and waits for their acks; with `single` for the first.
///
/// # Errors
///
/// It was sent to nobody.
pub(in crate::server) fn ask_everywhere(
    operator: &BroadcastOperator,
    namespace: &Namespace,
    event: &str,
    args: &EncodedArgs,
    timeout: Duration,
    single: bool,
) -> Result<Everywhere, AckError> {
    let hub = operator.hub();
    let request = Request::open(hub)?;
    let id: Box<str> = request.id().into();
    let sender = request.sender().clone();
    let collector = Collector::of_each(namespace.next_ack_id(), move |heard| {
        // Who does not wait any more has lost interest.
        let _lost = sender.unbounded_send(News::Own(heard));
    });
    let mut waiting = Waiting::begin(hub, namespace.path_arc(), Some(timeout));
    waiting.ask(request);
    operator.ask_here(event, args, Question { collector: Arc::clone(&collector), timeout })?;
    operator.tell_others(|mut options| {
        options.flags.timeout = Some(timeout);
        options.flags.expect_single_response = single;
        let data = event_data(event, args);
        Message::Broadcast { data, id: None, options, request: Some(id) }
    });
    let acks = Acks::default();
    Ok(Everywhere::new(acks.collect(waiting, GiveUp(collector), single)))
}

/// Sockets keep nothing for an answer that nobody wants.
struct GiveUp(Arc<Collector>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.expire();
    }
}

/// The acks so far.
#[derive(Default)]
struct Acks {
    answers: Vec<AckArgs>,
    /// Sockets that were asked, here and elsewhere.
    asked: u64,
    /// Sockets of this node that were asked, once all of them were.
    own: Option<u64>,
    /// Those of them that have answered.
    own_answers: u64,
    /// Those that will not answer.
    missing: u64,
    /// The nodes cannot be counted.
    uncountable: Option<ClusterError>,
}

impl Acks {
    async fn collect(mut self, mut waiting: Waiting, _asked: GiveUp, single: bool) -> Outcome {
        loop {
            match waiting.next().await {
                Step::News(News::Own(heard)) => self.hear_own(heard),
                Step::News(News::Other(from, response)) => self.hear(&mut waiting, from, response),
                Step::Counted(Err(error)) => self.uncountable = Some(error),
                Step::Counted(Ok(())) | Step::Fewer(_) => {}
                Step::TimeUp => return self.time_is_up(waiting).await,
            }
            let enough = single && !self.answers.is_empty();
            if enough || (waiting.is_complete() && self.is_settled()) {
                let reason = (!enough && self.missing > 0).then_some(AckError::Timeout);
                return self.end(reason);
            }
            if self.own_are_settled()
                && let Some(error) = self.uncountable.take()
            {
                return self.end(Some(error.into()));
            }
        }
    }

    fn hear_own(&mut self, heard: Heard) {
        match heard {
            Heard::Asked(count) => {
                self.own = Some(count);
                self.asked = self.asked.saturating_add(count);
            }
            Heard::Answer(answer) => {
                self.own_answers += 1;
                self.answers.push(answer);
            }
            Heard::Missing => self.missing += 1,
        }
    }

    fn hear(&mut self, waiting: &mut Waiting, from: Option<Box<str>>, response: Response) {
        match response {
            Response::ClientCount { count, .. } => {
                if waiting.hear(from) {
                    self.asked = self.asked.saturating_add(count);
                }
            }
            Response::Ack { value, .. } => self.answers.push(AckArgs::of_data(value)),
            _ => {
                waiting.hear(from);
            }
        }
    }

    fn own_are_settled(&self) -> bool {
        self.own.is_some_and(|own| self.own_answers + self.missing >= own)
    }

    /// Everybody who was asked has answered, or will not.
    fn is_settled(&self) -> bool {
        let answers = u64::try_from(self.answers.len()).unwrap_or(u64::MAX);
        self.own.is_some() && answers.saturating_add(self.missing) >= self.asked
    }

    async fn time_is_up(mut self, waiting: Waiting) -> Outcome {
        let reason = match (self.uncountable.take(), waiting.account().await) {
            (None, Err(ClusterError::Timeout { received, expected, missing })) => {
                Some(ClusterError::AckTimeout { received, expected, missing }.into())
            }
            (Some(error), _) | (None, Err(error)) => Some(error.into()),
            (None, Ok(())) if self.is_settled() && self.missing == 0 => None,
            (None, Ok(())) => Some(AckError::Timeout),
        };
        self.end(reason)
    }

    fn end(self, reason: Option<AckError>) -> Outcome {
        Outcome { answers: self.answers, reason, asked: self.asked > 0 }
    }
}
