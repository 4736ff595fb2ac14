//! TOML as data with places.

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::document::{KeyPath, Mark, Marks, Slip};

/// The data of a text, and where it stands.
pub(super) fn parse(text: &str) -> Result<(Value, Marks), Slip> {
    let table = DeTable::parse(text).map_err(|error| Slip {
        reason: error.message().to_owned(),
        span: error.span().unwrap_or(0..0),
    })?;
    let mut reader = Reader { path: KeyPath::new(), marks: Marks::new() };
    let value = reader.table(table.get_ref())?;
    Ok((value, reader.marks))
}

/// The keys of a dotted path.
pub(super) fn keys(path: &str) -> Option<KeyPath> {
    let text = format!("{path} = 0");
    let table = DeTable::parse(&text).ok()?;
    let (mut keys, mut table) = (KeyPath::new(), table.get_ref());
    loop {
        let mut entries = table.iter();
        let (Some((key, value)), None) = (entries.next(), entries.next()) else { return None };
        keys.push(key.get_ref().to_string());
        match value.get_ref() {
            DeValue::Table(below) => table = below,
            _ => return Some(keys),
        }
    }
}

struct Reader {
    path: KeyPath,
    marks: Marks,
}

impl Reader {
    fn table(&mut self, table: &DeTable<'_>) -> Result<Value, Slip> {
        let entries = table.iter().map(|(key, value)| {
            let mark = Mark { key: key.span(), value: value.span() };
            let name = key.get_ref().to_string();
            let value = self.value(name.clone(), mark, value.get_ref())?;
            Ok((name, value))
        });
        entries.collect::<Result<_, _>>().map(Value::Object)
    }

    fn value(&mut self, key: String, mark: Mark, value: &DeValue<'_>) -> Result<Value, Slip> {
        let span = mark.value.clone();
        let slip = |reason: &str| Slip { reason: reason.to_owned(), span: span.clone() };
        self.path.push(key);
        self.marks.insert(self.path.clone(), mark);
        let value = match value {
            DeValue::String(text) => Value::from(text.as_ref()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map(Value::from)
                .map_err(|_| slip("this number is too large"))?,
            // One that is not finite has no place in JSON.
            DeValue::Float(number) => {
                Value::from(number.as_str().parse::<f64>().map_err(|_| slip("this is no number"))?)
            }
            DeValue::Boolean(yes) => Value::from(*yes),
            DeValue::Datetime(moment) => Value::from(moment.to_string()),
            DeValue::Array(items) => {
                let items = items.iter().enumerate().map(|(at, item)| {
                    let mark = Mark { key: item.span(), value: item.span() };
                    self.value(at.to_string(), mark, item.get_ref())
                });
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            DeValue::Table(table) => self.table(table)?,
        };
        self.path.pop();
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dotted_path_is_read_as_in_a_file() {
        assert_eq!(keys("a.b-c.d_1").unwrap(), ["a", "b-c", "d_1"]);
        assert_eq!(keys("commands.\"a.b\".time").unwrap(), ["commands", "a.b", "time"]);
        for path in ["", ".", "a.", "a..b", "a b", "a = 1\nb", "[a]\nb\nc"] {
            assert_eq!(keys(path), None, "{path}");
        }
    }

    #[test]
    fn every_key_and_value_has_its_place() {
        let text = "[a.b]\nc = [1, \"x\"]\n";
        let (value, marks) = parse(text).unwrap();
        assert_eq!(value, serde_json::json!({ "a": { "b": { "c": [1, "x"] } } }));
        let at = |path: &[&str]| {
            let path: Vec<_> = path.iter().map(|key| (*key).to_owned()).collect();
            let Mark { key, value } = marks[&path].clone();
            (&text[key], &text[value])
        };
        assert_eq!(at(&["a", "b"]).0, "b");
        assert_eq!(at(&["a", "b", "c"]), ("c", "[1, \"x\"]"));
        assert_eq!(at(&["a", "b", "c", "1"]).1, "\"x\"");
    }
}
