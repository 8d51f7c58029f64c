use super::server::free_port;
use super::{RedisServer, until_async};

/// A Redis Cluster of three masters.
pub(crate) struct RedisCluster {
    pub(crate) masters: Vec<RedisServer>,
}

/// The slots of the masters at first.
const RANGES: [(u16, u16); 3] = [(0, 5460), (5461, 10_922), (10_923, 16_383)];

impl RedisCluster {
    pub(crate) async fn start() -> Self {
        let mut masters = Vec::new();
        let mut buses = Vec::new();
        for (first, last) in RANGES {
            let bus = free_port().to_string();
            let master = RedisServer::start_with(&[
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                &bus,
                "--cluster-node-timeout",
                "2000",
                "--cluster-require-full-coverage",
                "no",
            ])
            .await;
            let (first, last) = (first.to_string(), last.to_string());
            let _: () = master.ask(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]).await;
            masters.push(master);
            buses.push(bus);
        }
        for (master, bus) in masters.iter().zip(&buses).skip(1) {
            let port = master.port.to_string();
            let _: () = masters[0].ask(&["CLUSTER", "MEET", "127.0.0.1", &port, bus]).await;
        }
        let cluster = Self { masters };
        cluster.until_whole().await;
        cluster
    }

    /// Waits until all masters know all slots.
    pub(crate) async fn until_whole(&self) {
        for master in &self.masters {
            until_async("the cluster is whole", || async {
                let info: String = master.ask(&["CLUSTER", "INFO"]).await;
                info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")
            })
            .await;
        }
    }

    /// Gives a slot to another master; nothing is in it.
    pub(crate) async fn move_slot(&self, slot: u16, to: usize) {
        let id: String = self.masters[to].ask(&["CLUSTER", "MYID"]).await;
        let slot = slot.to_string();
        let after = self.masters.iter().cycle().skip(to).take(self.masters.len());
        for master in after {
            let _: () = master.ask(&["CLUSTER", "SETSLOT", &slot, "NODE", &id]).await;
        }
    }
}
