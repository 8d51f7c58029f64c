//! Slots of a Redis Cluster: which name is in which, and which master has it.

use deadpool_redis::redis::Value;

/// How many there are.
const SLOTS: u16 = 16_384;

/// The slot of a key or a shard's channel. Of names with `{…}` in them, only what is inside counts.
pub(crate) fn slot_of(name: &str) -> u16 {
    let tag = name.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    crc16(tag.filter(|tag| !tag.is_empty()).unwrap_or(name).as_bytes()) % SLOTS
}

/// The checksum of XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum: u16, byte| {
        (0..8).fold(sum ^ (u16::from(*byte) << 8), |sum, _| match sum & 0x8000 {
            0 => sum << 1,
            _ => (sum << 1) ^ 0x1021,
        })
    })
}

/// Where a master is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    pub(crate) host: Box<str>,
    pub(crate) port: u16,
}

/// Which master has which slots, in the order of the slots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SlotMap {
    ranges: Vec<(u16, u16, Address)>,
}

impl SlotMap {
    /// Reads the answer to `CLUSTER SLOTS`; a master without a name is the server that was `asked`. `None`:
    /// it is no such answer, or nobody has a slot.
    pub(crate) fn read(answer: &Value, asked: &str) -> Option<Self> {
        let Value::Array(entries) = answer else { return None };
        let mut ranges = entries
            .iter()
            .map(|entry| {
                let Value::Array(entry) = entry else { return None };
                let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = &**entry
                else {
                    return None;
                };
                let [host, Value::Int(port), ..] = &**master else { return None };
                let host = match host {
                    Value::BulkString(host) if !host.is_empty() => str::from_utf8(host).ok()?,
                    Value::SimpleString(host) if !host.is_empty() => host,
                    _ => asked,
                };
                let address = Address { host: host.into(), port: u16::try_from(*port).ok()? };
                Some((u16::try_from(*first).ok()?, u16::try_from(*last).ok()?, address))
            })
            .collect::<Option<Vec<_>>>()?;
        ranges.sort_unstable();
        (!ranges.is_empty()).then_some(Self { ranges })
    }

    pub(crate) fn owner(&self, slot: u16) -> Option<&Address> {
        let next = self.ranges.partition_point(|(first, _, _)| *first <= slot);
        let (_, last, address) = self.ranges.get(next.checked_sub(1)?)?;
        (slot <= *last).then_some(address)
    }

    pub(crate) fn masters(&self) -> impl Iterator<Item = &Address> {
        self.ranges.iter().map(|(_, _, address)| address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(first: i64, last: i64, host: &str, port: i64) -> Value {
        let host = Value::BulkString(host.as_bytes().to_vec());
        let id = Value::BulkString(b"id".to_vec());
        let master = Value::Array(vec![host, Value::Int(port), id]);
        Value::Array(vec![Value::Int(first), Value::Int(last), master])
    }

    #[test]
    fn slots_are_those_of_redis() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(slot_of("foo"), 12_182);
        assert_eq!(slot_of("a{foo}b{bar}"), 12_182);
        assert_eq!(slot_of("{}foo"), crc16(b"{}foo") % SLOTS);
    }

    #[test]
    fn an_answer_that_is_none_is_refused() {
        for answer in [
            Value::Nil,
            Value::Array(vec![]),
            Value::Array(vec![Value::Nil]),
            Value::Array(vec![entry(0, 70_000, "a", 1)]),
            Value::Array(vec![entry(0, 1, "a", -1)]),
        ] {
            assert_eq!(SlotMap::read(&answer, "here"), None, "{answer:?}");
        }
    }

    #[test]
    fn each_slot_has_its_owner_and_gaps_have_none() {
        let answer = Value::Array(vec![entry(100, 16_383, "b", 2), entry(0, 49, "", 1)]);
        let map = SlotMap::read(&answer, "here").unwrap();
        let owner = |slot| map.owner(slot).map(|address| (&*address.host, address.port));
        assert_eq!(owner(0), Some(("here", 1)));
        assert_eq!(owner(49), Some(("here", 1)));
        assert_eq!(owner(50), None);
        assert_eq!(owner(100), Some(("b", 2)));
        assert_eq!(owner(16_383), Some(("b", 2)));
    }
}
