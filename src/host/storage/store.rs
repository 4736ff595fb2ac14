//! `Store`: one plugin's keys and values, in transactions.

use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, Table, TableDefinition,
    WriteTransaction,
};
use serde::Serialize;

use crate::host::error::HostError;
use crate::policy::StorageGrant;
use crate::protocol::Value;

const E_QUOTA: &str = "E_QUOTA";
pub(super) const E_TOO_LARGE: &str = "E_TOO_LARGE";
const E_IO: &str = "E_IO";

/// Values as JSON text.
const VALUES: TableDefinition<'_, &str, &str> = TableDefinition::new("values");
/// What the values use, under the two names below; always changed together with them.
const USED: TableDefinition<'_, &str, u64> = TableDefinition::new("used");
const BYTES: &str = "bytes";
const KEYS: &str = "keys";

/// How deep a value may be nested: what the parser takes that reads it again.
const MAX_DEPTH: usize = 127;

/// How much of keys is listed at once, in bytes, and what each counts beside its text.
const MAX_LISTED: usize = 16 << 20;
const KEY_OVERHEAD: usize = 32;

/// What a store uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Used {
    /// Of keys and values together.
    pub(super) bytes: u64,
    pub(super) keys: u64,
}

/// One plugin's keys and values.
pub(super) struct Store {
    database: Database,
    /// Tells the shelf, after the database is closed.
    _off_shelf: Option<super::shelf::OffShelf>,
}

impl Store {
    /// A store in this database, whose tables are made, and whose account is set right should
    /// anything but this library have written to it.
    pub(super) fn new(
        database: Database,
        off_shelf: Option<super::shelf::OffShelf>,
    ) -> Result<Self, redb::Error> {
        // Dropped in the order of its fields also if it is no good.
        let store = Self { database, _off_shelf: off_shelf };
        store.set_right()?;
        Ok(store)
    }

    fn set_right(&self) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        let is_right = {
            let values = transaction.open_table(VALUES)?;
            let mut counted = Used::default();
            for entry in values.iter()? {
                let (key, value) = entry?;
                counted.bytes += (key.value().len() + value.value().len()) as u64;
                counted.keys += 1;
            }
            let mut account = transaction.open_table(USED)?;
            let is_new = account.get(KEYS)?.is_none();
            let used = read_used(&account)?;
            if used != counted {
                tracing::warn!(?used, ?counted, "a plugin's store was changed by something else");
            }
            write_used(&mut account, counted)?;
            used == counted && !is_new
        };
        if is_right {
            transaction.abort()?
        } else {
            transaction.commit()?
        }
        Ok(())
    }

    fn read<R>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<R, redb::Error>,
    ) -> Result<R, HostError> {
        let result = self.database.begin_read().map_err(redb::Error::from);
        result.and_then(|transaction| work(&transaction)).map_err(broken)
    }

    /// Has `work` change keys and values, and what they use; keeps all of it or nothing.
    fn write<R>(
        &self,
        work: impl FnOnce(&mut Table<'_, &str, &str>, &mut Used) -> Result<R, Stop>,
    ) -> Result<R, HostError> {
        let change = |transaction: &WriteTransaction| {
            let mut values = transaction.open_table(VALUES)?;
            let mut account = transaction.open_table(USED)?;
            let mut used = read_used(&account)?;
            let result = work(&mut values, &mut used)?;
            write_used(&mut account, used)?;
            Ok(result)
        };
        let begun = self.database.begin_write().map_err(|error| broken(error.into()))?;
        match change(&begun) {
            Ok(result) => {
                begun.commit().map_err(|error| broken(error.into()))?;
                Ok(result)
            }
            Err(stop) => {
                let _ = begun.abort();
                Err(match stop {
                    Stop::Refused(error) => error,
                    Stop::Broken(error) => broken(error),
                })
            }
        }
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Value>, HostError> {
        let text = self.read(|transaction| {
            let value = transaction.open_table(VALUES)?.get(key)?;
            Ok(value.map(|value| value.value().to_owned()))
        })?;
        let value = text.map(|text| serde_json::from_str(&text)).transpose();
        value.map_err(|error| broken(redb::Error::Corrupted(error.to_string())))
    }

    pub(super) fn has(&self, key: &str) -> Result<bool, HostError> {
        self.read(|transaction| Ok(transaction.open_table(VALUES)?.get(key)?.is_some()))
    }

    pub(super) fn set(
        &self,
        key: &str,
        value: &Value,
        grant: &StorageGrant,
    ) -> Result<(), HostError> {
        if !fits_depth(value, MAX_DEPTH) {
            let message = format!("the value is nested more than {MAX_DEPTH} deep");
            return Err(HostError::range(message).with_code(E_TOO_LARGE));
        }
        let text = value.to_string();
        let size = (key.len() + text.len()) as u64;
        // Before anything is written, which would take memory.
        if size > grant.size.as_u64() {
            return Err(over_quota(grant.size));
        }
        self.write(|values, used| {
            let before = *used;
            match values.get(key)? {
                Some(old) => used.bytes -= (key.len() + old.value().len()) as u64,
                None => used.keys += 1,
            }
            used.bytes += size;
            // What makes nothing larger is let through: the limits may have been lowered.
            if used.bytes > grant.size.as_u64() && used.bytes > before.bytes {
                return Err(Stop::Refused(over_quota(grant.size)));
            }
            if used.keys > u64::from(grant.keys) && used.keys > before.keys {
                return Err(Stop::Refused(over_quota(format!("{} keys", grant.keys))));
            }
            values.insert(key, text.as_str())?;
            Ok(())
        })
    }

    /// Whether it was there.
    pub(super) fn delete(&self, key: &str) -> Result<bool, HostError> {
        if !self.has(key)? {
            return Ok(false);
        }
        self.write(|values, used| {
            let Some(old) = values.remove(key)? else { return Ok(false) };
            used.bytes -= (key.len() + old.value().len()) as u64;
            used.keys -= 1;
            Ok(true)
        })
    }

    /// The keys that begin with `prefix`, in ascending order.
    ///
    /// No more than a plugin can be given, as nothing stops this half-way.
    pub(super) fn keys(&self, prefix: &str) -> Result<Vec<String>, HostError> {
        let keys = self.read(|transaction| {
            let values = transaction.open_table(VALUES)?;
            let (mut keys, mut listed) = (Vec::new(), 0);
            for entry in values.range(prefix..)? {
                let (key, _) = entry?;
                if !key.value().starts_with(prefix) {
                    break;
                }
                listed += key.value().len() + KEY_OVERHEAD;
                if listed > MAX_LISTED {
                    return Ok(None);
                }
                keys.push(key.value().to_owned());
            }
            Ok(Some(keys))
        })?;
        keys.ok_or_else(|| {
            let message = "there are too many keys to list: ask for those with a prefix";
            HostError::range(message).with_code(E_TOO_LARGE)
        })
    }

    pub(super) fn clear(&self) -> Result<(), HostError> {
        self.write(|values, used| {
            values.retain(|_, _| false)?;
            *used = Used::default();
            Ok(())
        })
    }

    pub(super) fn used(&self) -> Result<Used, HostError> {
        self.read(|transaction| Ok(read_used(&transaction.open_table(USED)?)?))
    }
}

/// Why a transaction is not kept.
enum Stop {
    Refused(HostError),
    Broken(redb::Error),
}

impl<E: Into<redb::Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Broken(error.into())
    }
}

fn read_used(table: &impl ReadableTable<&'static str, u64>) -> Result<Used, redb::StorageError> {
    let read = |name| table.get(name).map(|number| number.map_or(0, |number| number.value()));
    Ok(Used { bytes: read(BYTES)?, keys: read(KEYS)? })
}

fn write_used(table: &mut Table<'_, &str, u64>, used: Used) -> Result<(), redb::StorageError> {
    table.insert(BYTES, used.bytes)?;
    table.insert(KEYS, used.keys)?;
    Ok(())
}

fn over_quota(limit: impl std::fmt::Display) -> HostError {
    HostError::range(format!("the store would hold more than {limit}")).with_code(E_QUOTA)
}

/// The host is told what is wrong; the plugin, that something is.
fn broken(error: redb::Error) -> HostError {
    tracing::error!(%error, "a plugin's store failed");
    HostError::new("the store failed").with_code(E_IO)
}

fn fits_depth(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(|item| fits_depth(item, depth - 1)),
        Value::Object(members) => {
            depth > 0 && members.values().all(|member| fits_depth(member, depth - 1))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytesize::ByteSize;
    use redb::backends::InMemoryBackend;
    use serde_json::json;

    fn database() -> Database {
        Database::builder().create_with_backend(InMemoryBackend::new()).unwrap()
    }

    fn store() -> Store {
        Store::new(database(), None).unwrap()
    }

    #[test]
    fn limits_that_were_lowered_let_through_what_makes_less() {
        let (store, mut grant) = (store(), StorageGrant::default());
        store.set("a", &json!("x".repeat(100)), &grant).unwrap();
        store.set("b", &json!(1), &grant).unwrap();
        (grant.size, grant.keys) = (ByteSize::b(50), 1);
        assert!(store.set("a", &json!("x".repeat(46)), &grant).is_ok());
        assert!(store.set("b", &json!(22), &grant).is_err());
        assert!(store.set("c", &json!(1), &grant).is_err());
        assert_eq!(store.used().unwrap(), Used { bytes: 51, keys: 2 });
    }

    #[test]
    fn an_account_that_is_wrong_is_set_right() {
        let database = database();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(VALUES).unwrap().insert("a", "[1]").unwrap();
        transaction.open_table(USED).unwrap().insert(BYTES, 1000).unwrap();
        transaction.commit().unwrap();
        let store = Store::new(database, None).unwrap();
        assert_eq!(store.used().unwrap(), Used { bytes: 4, keys: 1 });
        assert_eq!(store.get("a").unwrap(), Some(json!([1])));
    }

    #[test]
    fn what_can_be_set_can_be_read() {
        let (store, grant) = (store(), StorageGrant::default());
        let nested = |depth| (0..depth).fold(json!(0.1), |inner, _| json!([inner]));
        for value in [nested(MAX_DEPTH), json!(5e-324), json!(0.1 + 0.2), json!(1e308)] {
            store.set("a", &value, &grant).unwrap();
            assert_eq!(store.get("a").unwrap(), Some(value));
        }
        assert!(store.set("a", &nested(MAX_DEPTH + 1), &grant).is_err());
        // A value that something else has put there.
        let transaction = store.database.begin_write().unwrap();
        transaction.open_table(VALUES).unwrap().insert("a", "[[").unwrap();
        transaction.commit().unwrap();
        assert_eq!(store.get("a").unwrap_err().code.as_deref(), Some(E_IO));
    }
}
