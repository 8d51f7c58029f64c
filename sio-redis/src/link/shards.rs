//! Connections to all masters of a Redis Cluster.
//!
//! Each name belongs to a slot and each slot to a master; commands and subscriptions go where their slot is. One
//! task keeps asking who has which slots: when something was refused or lost, and now and then. What waits
//! for a master that is gone goes to the one that has its slots now.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use deadpool_redis::redis::cmd;
use tokio::runtime::Handle;
use tokio::sync::watch;

use sio_core::cluster::ClusterError;

use super::backoff::Backoff;
use super::health::Health;
use super::publisher::{Command, Publisher};
use super::queries::{Queries, stopped};
use super::server::{Server, poisoned};
use super::slots::{Address, SlotMap};
use super::subscriber::{Hear, Topic};
use super::trunk::Trunk;

/// How the questions for slots are called in logs.
const SLOTS: &str = "slots";

/// Who has which slots is asked at least so often.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Two looks are at least so far apart.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// The masters; copies are the same.
#[derive(Debug, Clone)]
pub(crate) struct Shards {
    shared: Arc<Shared>,
}

struct Shared {
    runtime: Handle,
    seed: Server,
    health: Arc<Health>,
    queue_bytes: usize,
    hear: OnceLock<Hear>,
    map: Mutex<Map>,
    /// The slots are known.
    known: watch::Sender<bool>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("seed", &self.seed.name()).finish_non_exhaustive()
    }
}

struct Map {
    slots: SlotMap,
    masters: BTreeMap<Address, Trunk>,
    /// What is to be heard, its slot, and the master that was asked for it.
    topics: HashMap<Topic, (u16, Option<Address>)>,
    /// What nobody has a slot for yet; never started.
    waiting: Publisher,
}

impl Shards {
    pub(crate) fn new(
        runtime: Handle,
        seed: Server,
        health: Arc<Health>,
        queue_bytes: usize,
    ) -> Self {
        let map = Map {
            slots: SlotMap::default(),
            masters: BTreeMap::new(),
            topics: HashMap::new(),
            waiting: Publisher::new(SLOTS, queue_bytes, Arc::clone(&health)),
        };
        let shared = Shared {
            runtime,
            seed,
            health,
            queue_bytes,
            hear: OnceLock::new(),
            map: Mutex::new(map),
            known: watch::Sender::new(false),
        };
        Self { shared: Arc::new(shared) }
    }

    pub(crate) fn start(&self, hear: Hear) {
        if self.shared.hear.set(hear).is_ok() {
            self.shared.health.begins(SLOTS);
            let shared = Arc::clone(&self.shared);
            self.shared.runtime.spawn(async move { shared.follow().await });
        }
    }

    pub(crate) fn push(&self, command: Command) {
        self.shared.map.lock().unwrap_or_else(poisoned).push(command);
    }

    pub(crate) fn open(&self, topics: impl IntoIterator<Item = (Topic, u16)>) {
        let mut map = self.shared.map.lock().unwrap_or_else(poisoned);
        for (topic, slot) in topics {
            let owner = map.slots.owner(slot).cloned();
            if let Some(trunk) = owner.as_ref().and_then(|owner| map.masters.get(owner)) {
                trunk.subscriber.open([topic.clone()]);
            }
            map.topics.insert(topic, (slot, owner));
        }
    }

    pub(crate) fn close(&self, topics: impl IntoIterator<Item = Topic>) {
        let mut map = self.shared.map.lock().unwrap_or_else(poisoned);
        for topic in topics {
            if let Some((_, Some(owner))) = map.topics.remove(&topic)
                && let Some(trunk) = map.masters.get(&owner)
            {
                trunk.subscriber.close([topic]);
            }
        }
    }

    pub(crate) fn queued(&self) -> usize {
        let map = self.shared.map.lock().unwrap_or_else(poisoned);
        let queued = map.masters.values().map(|trunk| trunk.publisher.queued());
        queued.sum::<usize>() + map.waiting.queued()
    }

    /// Those to ask about a name in this slot, or about names in all.
    pub(crate) async fn queries(&self, slot: Option<u16>) -> Result<Vec<Queries>, ClusterError> {
        let mut known = self.shared.known.subscribe();
        let limit = self.shared.seed.timing().answer;
        match tokio::time::timeout(limit, known.wait_for(|known| *known)).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return Err(stopped()),
            Err(_) => {
                let why = "who has which slots is not known".to_owned();
                return Err(ClusterError::Unavailable(why));
            }
        }
        let map = self.shared.map.lock().unwrap_or_else(poisoned);
        let of = |trunk: &Trunk| trunk.queries.clone();
        match slot {
            None => Ok(map.masters.values().map(of).collect()),
            Some(slot) => {
                let owner = map.slots.owner(slot).and_then(|owner| map.masters.get(owner));
                let owner = owner.ok_or_else(|| {
                    ClusterError::Unavailable(format!("nobody has the slot {slot}"))
                })?;
                Ok(vec![of(owner)])
            }
        }
    }

    /// Is ready when all that was opened so far is heard.
    pub(crate) async fn ready(&self) -> Result<(), ClusterError> {
        let mut known = self.shared.known.subscribe();
        known.wait_for(|known| *known).await.map_err(|_ended| stopped())?;
        let subscribers: Vec<_> = {
            let map = self.shared.map.lock().unwrap_or_else(poisoned);
            let owners: BTreeSet<_> =
                map.topics.values().filter_map(|(_, owner)| owner.as_ref()).collect();
            let trunks = owners.into_iter().filter_map(|owner| map.masters.get(owner));
            trunks.map(|trunk| trunk.subscriber.ready()).collect()
        };
        for ready in subscribers {
            ready.await?;
        }
        Ok(())
    }

    pub(crate) fn trunks(&self) -> Vec<Trunk> {
        let map = self.shared.map.lock().unwrap_or_else(poisoned);
        map.masters.values().cloned().collect()
    }
}

impl Shared {
    async fn follow(&self) {
        let mut backoff = Backoff::new();
        loop {
            match self.look().await {
                Ok(slots) => {
                    self.health.back(SLOTS);
                    backoff.reset();
                    self.adopt(slots);
                    let _due = tokio::time::timeout(LOOK_AGAIN, self.health.trouble()).await;
                    tokio::time::sleep(BETWEEN_LOOKS).await;
                }
                Err(why) => {
                    self.health.lost(SLOTS, &why);
                    backoff.pause().await;
                }
            }
        }
    }

    /// Asks who has which slots: masters that are known, then the first address.
    async fn look(&self) -> Result<SlotMap, String> {
        let mut servers: Vec<Server> = {
            let map = self.map.lock().unwrap_or_else(poisoned);
            map.masters.values().map(|trunk| trunk.server.clone()).collect()
        };
        servers.push(self.seed.clone());
        let mut trouble = String::new();
        for server in servers {
            let answer = async {
                let mut connection = server.connect(|_| Ok::<(), ()>(())).await?;
                cmd("CLUSTER").arg("SLOTS").query_async(&mut connection).await
            };
            match answer.await {
                Ok(answer) => match SlotMap::read(&answer, &server.host()) {
                    Some(slots) => return Ok(slots),
                    None => trouble = format!("{} knows of no slots", server.name()),
                },
                Err(why) => trouble = why.to_string(),
            }
        }
        Err(trouble)
    }

    fn adopt(&self, slots: SlotMap) {
        let Some(hear) = self.hear.get() else { return };
        let mut map = self.map.lock().unwrap_or_else(poisoned);
        let mut gone = std::mem::take(&mut map.masters);
        for address in slots.masters() {
            if map.masters.contains_key(address) {
                continue;
            }
            let trunk = match gone.remove(address) {
                Some(trunk) => trunk,
                None => match self.trunk(address, hear) {
                    Ok(trunk) => trunk,
                    Err(why) => {
                        self.health.refused(&why);
                        continue;
                    }
                },
            };
            map.masters.insert(address.clone(), trunk);
        }
        map.slots = slots;
        map.move_topics(&gone);
        let mut commands = map.waiting.take();
        for trunk in gone.into_values() {
            commands.extend(trunk.end());
        }
        for command in commands {
            map.push(command);
        }
        drop(map);
        self.known.send_replace(true);
    }

    fn trunk(&self, address: &Address, hear: &Hear) -> Result<Trunk, crate::Error> {
        let server =
            self.seed.at(&address.host, address.port).map_err(|why| crate::Error::address(&why))?;
        let trunk = Trunk::new(server, Arc::clone(&self.health), self.queue_bytes, true)?;
        trunk.start(&self.runtime, Arc::clone(hear));
        Ok(trunk)
    }
}

impl Map {
    fn push(&self, command: Command) {
        match self.slots.owner(command.slot()).and_then(|owner| self.masters.get(owner)) {
            Some(trunk) => trunk.publisher.push(command),
            None => self.waiting.push(command),
        }
    }

    /// Hears everything where its slot is now.
    fn move_topics(&mut self, gone: &BTreeMap<Address, Trunk>) {
        let Self { slots, masters, topics, .. } = self;
        for (topic, (slot, at)) in topics {
            let owner = slots.owner(*slot);
            if owner == at.as_ref() {
                continue;
            }
            let before = at.as_ref().and_then(|at| masters.get(at).or_else(|| gone.get(at)));
            if let Some(before) = before {
                before.subscriber.close([topic.clone()]);
            }
            if let Some(now) = owner.and_then(|owner| masters.get(owner)) {
                now.subscriber.open([topic.clone()]);
            }
            *at = owner.cloned();
        }
    }
}
