//! What a process is told and what it says, under one limit.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Bytes that are read at once.
const PIECE: usize = 8 * 1024;

/// The ends of a process's pipes that are ours.
pub(super) struct Pipes {
    pub(super) stdin: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    pub(super) stdout: Option<Box<dyn AsyncRead + Send + Unpin>>,
    pub(super) stderr: Option<Box<dyn AsyncRead + Send + Unpin>>,
}

/// What a process has said so far.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// Why there is no more of it.
#[derive(Debug)]
pub(super) enum Cut {
    TooLarge,
    Io(io::Error),
}

/// Writes `input` and reads both outputs to their end, or until they are more than `limit` bytes
/// together.
pub(super) async fn talk(
    pipes: Pipes,
    input: &[u8],
    output: &mut Output,
    limit: u64,
) -> Result<(), Cut> {
    let Pipes { stdin, stdout, stderr } = pipes;
    let left = AtomicU64::new(limit);
    let write = async {
        if let Some(mut stdin) = stdin {
            // A program need not read what it is told. Dropped, the pipe is closed.
            let _ = stdin.write_all(input).await;
        }
        Ok(())
    };
    let Output { stdout: out, stderr: err } = output;
    tokio::try_join!(write, read(stdout, out, &left), read(stderr, err, &left))?;
    Ok(())
}

async fn read(
    from: Option<impl AsyncRead + Unpin>,
    to: &mut Vec<u8>,
    left: &AtomicU64,
) -> Result<(), Cut> {
    let Some(mut from) = from else { return Ok(()) };
    let mut piece = vec![0; PIECE];
    loop {
        let count = from.read(&mut piece).await.map_err(Cut::Io)?;
        if count == 0 {
            return Ok(());
        }
        let room = |left: u64| left.checked_sub(count as u64);
        if left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_err() {
            return Err(Cut::TooLarge);
        }
        to.extend_from_slice(&piece[..count]);
    }
}
