//! Waiting for the other nodes: how many there are, who has answered, and until when.

use std::collections::HashSet;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};

use crate::cluster::{BoxFuture, ClusterError, Message, Response};

use super::super::hub::Hub;
use super::requests::{News, Request};

/// How often is looked whether a node has left that is waited for.
const LOOK: Duration = Duration::from_secs(1);
/// How long it may take to find out who is missing.
const NAMES: Duration = Duration::from_secs(1);

/// What happens next to one who waits.
#[derive(Debug)]
pub(super) enum Step {
    News(News),
    /// It is known how many nodes there are, or that it cannot be known.
    Counted(Result<(), ClusterError>),
    /// There are fewer nodes than there were; who they are.
    Fewer(Census),
    TimeUp,
}

/// The nodes that there are at this moment.
#[derive(Debug)]
pub(super) struct Census {
    /// Ids of those whose names are known, this node's own among them.
    names: Vec<String>,
    /// Some are counted whose names are not known.
    has_nameless: bool,
}

/// One who waits for other nodes.
pub(super) struct Waiting {
    hub: Arc<Hub>,
    namespace: Arc<str>,
    request: Option<Request>,
    timer: BoxFuture<()>,
    count: Option<BoxFuture<Result<usize, ClusterError>>>,
    fewer: Option<BoxFuture<Census>>,
    /// Other nodes, once they are counted.
    others: Option<usize>,
    /// Those that have answered and told who they are.
    named: HashSet<Box<str>>,
    /// Those that have answered and did not.
    nameless: usize,
    /// How this node was connected when it began: a node that is not seen after an outage may only be slower
    /// to come back, and has not left.
    ties: (u64, bool),
}

impl Waiting {
    /// Begins to count the nodes and to wait for a time, that of the adapter if there is none.
    pub(super) fn begin(hub: &Arc<Hub>, namespace: &Arc<str>, timeout: Option<Duration>) -> Self {
        let timeout = timeout.unwrap_or_else(|| request_timeout(hub));
        Self {
            timer: sleep(hub, timeout),
            count: Some(count(Arc::clone(hub), Arc::clone(namespace)).boxed()),
            hub: Arc::clone(hub),
            namespace: Arc::clone(namespace),
            request: None,
            fewer: None,
            others: None,
            named: HashSet::new(),
            nameless: 0,
            ties: ties(hub),
        }
    }

    pub(super) fn ask(&mut self, request: Request) {
        self.request = Some(request);
    }

    /// Nodes that have answered.
    fn heard(&self) -> usize {
        self.named.len() + self.nameless
    }

    /// All other nodes have answered, as far as is known.
    pub(super) fn is_complete(&self) -> bool {
        self.others.is_some_and(|others| self.heard() >= others)
    }

    /// A node has answered; `false` if it had before, or is this one.
    pub(super) fn hear(&mut self, from: Option<Box<str>>) -> bool {
        match from {
            None => {
                self.nameless += 1;
                true
            }
            Some(from) if self.is_own(&from) => false,
            Some(from) => self.named.insert(from),
        }
    }

    fn is_own(&self, id: &str) -> bool {
        self.hub.cluster.as_ref().is_some_and(|cluster| cluster.id() == id)
    }

    pub(super) async fn next(&mut self) -> Step {
        let step = poll_fn(|cx| {
            if let Some(request) = &mut self.request
                && let Poll::Ready(Some(news)) = request.news().poll_next_unpin(cx)
            {
                return Poll::Ready(Step::News(news));
            }
            if let Some(count) = &mut self.count
                && let Poll::Ready(count) = count.poll_unpin(cx)
            {
                self.count = None;
                return Poll::Ready(Step::Counted(
                    count.map(|count| self.others = Some(count.saturating_sub(1))),
                ));
            }
            if self.is_complete() {
                self.fewer = None;
            }
            if let Some(fewer) = &mut self.fewer
                && let Poll::Ready(census) = fewer.poll_unpin(cx)
            {
                self.fewer = None;
                return Poll::Ready(Step::Fewer(census));
            }
            self.timer.poll_unpin(cx).map(|()| Step::TimeUp)
        })
        .await;
        match &step {
            Step::Counted(Ok(())) => self.look(),
            Step::Fewer(census) => {
                if self.nobody_is_missing(census) {
                    self.others = Some(self.heard());
                }
                self.look();
            }
            Step::Counted(Err(_)) | Step::News(_) | Step::TimeUp => {}
        }
        step
    }

    /// Looks from time to time whether somebody leaves; only names tell whether that one has answered.
    fn look(&mut self) {
        let Some(others) = self.others else { return };
        if self.is_complete() {
            return;
        }
        let (hub, namespace) = (Arc::clone(&self.hub), Arc::clone(&self.namespace));
        self.fewer = Some(fewer(hub, namespace, others).boxed());
    }

    /// Of the nodes there are, those of which no answer is known: of our kind, and others.
    ///
    /// Nodes of our kind always say who they are, so that an answer without a name is of another kind's.
    fn unheard<'a>(&self, census: &'a Census) -> (Vec<&'a String>, Vec<&'a String>) {
        let is_unheard = |id: &&String| !self.is_own(id) && !self.named.contains(id.as_str());
        census.names.iter().filter(is_unheard).partition(|id| is_of_our_kind(id))
    }

    /// Of the nodes there are, those that have not answered, as far as is known.
    fn missing(&self, census: &Census) -> Vec<String> {
        let (mut missing, others) = self.unheard(census);
        if self.nameless == 0 {
            missing.extend(others);
        } else if others.len() < self.nameless {
            // With this adapter, nodes of our kind do not say who they are.
            missing.clear();
        }
        missing.into_iter().cloned().collect()
    }

    /// All that are left have answered. Without their names that is not known, and neither is who is there if
    /// connections were lost meanwhile.
    fn nobody_is_missing(&self, census: &Census) -> bool {
        let (ours, others) = self.unheard(census);
        let is_answered = ours.is_empty() && others.len() <= self.nameless;
        is_answered && !census.has_nameless && self.ties == ties(&self.hub)
    }

    /// Why not all have answered, now that the time is up. `Ok`: all that are still there have.
    pub(super) async fn account(self) -> Result<(), ClusterError> {
        let Some(expected) = self.others else {
            let reason = "the nodes could not be counted in time";
            return Err(ClusterError::Unavailable(reason.to_owned()));
        };
        let received = self.heard();
        if received >= expected {
            return Ok(());
        }
        let mut census = census(Arc::clone(&self.hub), Arc::clone(&self.namespace)).boxed();
        let mut timer = sleep(&self.hub, NAMES);
        let census = poll_fn(|cx| match census.poll_unpin(cx) {
            Poll::Ready(census) => Poll::Ready(census.ok()),
            Poll::Pending => timer.poll_unpin(cx).map(|()| None),
        })
        .await;
        let missing = match &census {
            Some(census) if self.nobody_is_missing(census) => return Ok(()),
            Some(census) => self.missing(census),
            None => Vec::new(),
        };
        Err(ClusterError::Timeout { received, expected, missing })
    }
}

/// Whether an id has the form of [`hex`](super::hex).
fn is_of_our_kind(id: &str) -> bool {
    id.len() == 16 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Asks the other nodes for one answer each.
///
/// # Errors
///
/// Not all of them have answered in time, or they cannot be asked.
pub(in crate::server) async fn ask_each(
    hub: &Arc<Hub>,
    namespace: &Arc<str>,
    timeout: Option<Duration>,
    message: impl FnOnce(Box<str>) -> Message,
    take: impl FnMut(Response),
) -> Result<(), ClusterError> {
    let began = hub.watch.clock();
    let asked = ask_others(hub, namespace, timeout, message, take).await;
    hub.watch.tell_asked(began, asked.as_ref().err());
    asked
}

async fn ask_others(
    hub: &Arc<Hub>,
    namespace: &Arc<str>,
    timeout: Option<Duration>,
    message: impl FnOnce(Box<str>) -> Message,
    mut take: impl FnMut(Response),
) -> Result<(), ClusterError> {
    let mut waiting = Waiting::begin(hub, namespace, timeout);
    let mut message = Some(message);
    loop {
        match waiting.next().await {
            Step::News(News::Other(from, response)) => {
                if waiting.hear(from) {
                    take(response);
                }
            }
            Step::Counted(counted) => {
                counted?;
                if !waiting.is_complete()
                    && let Some(message) = message.take()
                    && let Some(cluster) = &hub.cluster
                {
                    let request = Request::open(hub)?;
                    let message = message(request.id().into());
                    waiting.ask(request);
                    cluster.publish(namespace, message);
                }
            }
            Step::TimeUp => return waiting.account().await,
            Step::News(News::Own(_)) | Step::Fewer(_) => {}
        }
        if waiting.is_complete() {
            return Ok(());
        }
    }
}

/// Is done when there are fewer other nodes than that.
async fn fewer(hub: Arc<Hub>, namespace: Arc<str>, others: usize) -> Census {
    loop {
        sleep(&hub, LOOK).await;
        let counted = count(Arc::clone(&hub), Arc::clone(&namespace)).await;
        if counted.is_ok_and(|count| count.saturating_sub(1) < others)
            && let Ok(census) = census(Arc::clone(&hub), Arc::clone(&namespace)).await
        {
            return census;
        }
    }
}

async fn census(hub: Arc<Hub>, namespace: Arc<str>) -> Result<Census, ClusterError> {
    let count = count(Arc::clone(&hub), Arc::clone(&namespace)).await?;
    let names = match &hub.cluster {
        Some(cluster) => cluster.wait(|adapter| adapter.nodes(&namespace)).await?,
        None => Vec::new(),
    };
    Ok(Census { has_nameless: names.len() < count, names })
}

fn request_timeout(hub: &Hub) -> Duration {
    let timeout = |cluster: &super::Cluster| cluster.call(|adapter| adapter.request_timeout());
    hub.cluster.as_ref().and_then(timeout).unwrap_or_default()
}

fn ties(hub: &Hub) -> (u64, bool) {
    hub.cluster.as_ref().map(super::Cluster::ties).unwrap_or_default()
}

fn sleep(hub: &Hub, duration: Duration) -> BoxFuture<()> {
    let sleep = hub.cluster.as_ref().and_then(|cluster| cluster.call(|a| a.sleep(duration)));
    sleep.unwrap_or_else(|| Box::pin(std::future::ready(())))
}

async fn count(hub: Arc<Hub>, namespace: Arc<str>) -> Result<usize, ClusterError> {
    match &hub.cluster {
        Some(cluster) => cluster.wait(|adapter| adapter.node_count(&namespace)).await,
        None => Ok(1),
    }
}
