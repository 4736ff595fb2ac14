//! What V8 has compiled of plugins' start-up scripts, for the isolates that begin with the same.
//!
//! Only bytes are kept: whoever knows V8 makes and takes them. What a script did once it ran is not
//! in them.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use quick_cache::Weighter;
use quick_cache::unsync::Cache;

/// A script as far as compiling it is concerned; its name is no part of that.
///
/// It is compared as a whole. V8 itself compares no more than lengths, and would run what it was
/// given for another text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SourceText {
    pub(crate) is_module: bool,
    pub(crate) text: Arc<str>,
}

/// How far a script has come.
#[derive(Clone)]
enum Entry {
    /// One isolate has compiled it, which is all that becomes of most.
    SeenOnce,
    /// Another has, too: there may well be a third.
    SeenAgain,
    /// Somebody is about to hand it in.
    Promised,
    Compiled(Arc<[u8]>),
}

/// In bytes: the text counts, too, since it is kept to be compared.
#[derive(Clone)]
struct Bytes;

impl Weighter<SourceText, Entry> for Bytes {
    fn weight(&self, source: &SourceText, entry: &Entry) -> u64 {
        let compiled = if let Entry::Compiled(bytes) = entry { bytes.len() } else { 0 };
        // What an entry takes besides, so that a million of empty ones are not free.
        const ENTRY: usize = 128;
        (ENTRY + source.text.len() + compiled) as u64
    }
}

type Compiled = Cache<SourceText, Entry, Bytes>;

fn cache() -> MutexGuard<'static, Compiled> {
    static CACHE: OnceLock<Mutex<Compiled>> = OnceLock::new();
    let cache = CACHE.get_or_init(|| {
        /// A hint only.
        const SCRIPTS: usize = 64;
        let capacity = super::accounts::limits().code_cache.as_u64();
        Mutex::new(Cache::with_weighter(SCRIPTS, capacity, Bytes))
    });
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps no more than so many bytes from now on.
pub(super) fn limit(bytes: u64) {
    cache().set_capacity(bytes);
}

/// The bytes that are kept.
pub(super) fn kept() -> u64 {
    cache().weight()
}

/// What was compiled of `source`. `None` if there is nothing: it is then noted that somebody
/// compiles it for himself.
pub(crate) fn find(source: &SourceText) -> Option<Arc<[u8]>> {
    let mut cache = cache();
    let next = match cache.get(source) {
        Some(Entry::Compiled(bytes)) => return Some(Arc::clone(bytes)),
        Some(Entry::SeenAgain | Entry::Promised) => return None,
        Some(Entry::SeenOnce) => Entry::SeenAgain,
        None => Entry::SeenOnce,
    };
    cache.insert(source.clone(), next);
    None
}

/// Forgets what V8 did not take.
pub(crate) fn forget(source: &SourceText) {
    cache().remove(source);
}

/// Takes it upon the caller to hand in what it has compiled of `source`. `None` if it is not
/// wanted, or somebody else does.
pub(crate) fn promise(source: &SourceText) -> Option<Promise> {
    let mut cache = cache();
    let is_wanted = matches!(cache.peek(source), Some(Entry::SeenAgain));
    is_wanted.then(|| {
        cache.insert(source.clone(), Entry::Promised);
        Promise { source: source.clone(), is_kept: false }
    })
}

/// That somebody hands in what it has compiled, once or again when more of it is. Dropped before
/// that, it is up to others.
pub(crate) struct Promise {
    source: SourceText,
    is_kept: bool,
}

impl Promise {
    pub(crate) fn keep(&mut self, compiled: &[u8]) {
        self.is_kept = true;
        cache().insert(self.source.clone(), Entry::Compiled(compiled.into()));
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if !self.is_kept {
            cache().insert(self.source.clone(), Entry::SeenAgain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> SourceText {
        SourceText { is_module: false, text: text.into() }
    }

    #[test]
    fn what_the_second_hands_in_is_for_the_third() {
        let source = source("the second, the third");
        assert!(find(&source).is_none());
        assert!(promise(&source).is_none(), "most are never wanted again");
        assert!(find(&source).is_none());
        let mut promised = promise(&source).unwrap();
        assert!(promise(&source).is_none() && find(&source).is_none());
        promised.keep(b"some");
        assert_eq!(find(&source).as_deref(), Some(&b"some"[..]));
        promised.keep(b"more");
        drop(promised);
        assert_eq!(find(&source).as_deref(), Some(&b"more"[..]));
        assert!(promise(&source).is_none());
        forget(&source);
        assert!(find(&source).is_none());
    }

    #[test]
    fn a_promise_that_is_not_kept_is_up_to_others() {
        let source = source("a promise, broken");
        assert!(find(&source).is_none() && find(&source).is_none());
        drop(promise(&source).unwrap());
        assert!(promise(&source).is_some());
    }

    #[test]
    fn another_text_of_the_same_length_or_read_as_a_module_is_another() {
        let script = source("one text of some length");
        assert!(find(&script).is_none() && find(&script).is_none());
        promise(&script).unwrap().keep(b"bytes");
        assert!(find(&script).is_some());
        assert!(find(&source("two text of some length")).is_none());
        assert!(find(&SourceText { is_module: true, ..script }).is_none());
    }
}
