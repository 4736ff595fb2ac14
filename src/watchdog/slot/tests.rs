//! What a slot promises, with threads of a test's own in the place of isolates.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc;

use super::super::watch;
use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn wall(wall: Duration) -> Budget {
    Budget { wall, cpu: None }
}

fn slot_with_channel(grace: Duration) -> (Arc<Slot>, mpsc::Receiver<&'static str>) {
    let (told, heard) = mpsc::channel();
    let also_told = told.clone();
    let slot = Arc::new(Slot::new(
        Box::new(move || told.send("stop").unwrap_or(())),
        grace,
        Some(Box::new(move |_| also_told.send("condemn").unwrap_or(()))),
    ));
    watch(&slot).unwrap();
    (slot, heard)
}

#[test]
fn a_call_past_its_deadline_is_told_to_stop_and_the_cause_is_on_record() {
    let (slot, heard) = slot_with_channel(60 * SECOND);
    let limit = Duration::from_millis(5);
    slot.arm(wall(limit));
    assert_eq!(heard.recv_timeout(10 * SECOND), Ok("stop"));
    assert_eq!(slot.disarm(), Outcome::Stopped(Cause::Timeout { limit }));
    slot.arm(wall(60 * SECOND));
    assert_eq!(slot.disarm(), Outcome::Finished);
}

#[test]
fn a_later_call_with_a_shorter_deadline_wakes_the_watchdog() {
    let (long, _quiet) = slot_with_channel(60 * SECOND);
    long.arm(wall(600 * SECOND));
    let (short, heard) = slot_with_channel(60 * SECOND);
    short.arm(wall(Duration::from_millis(1)));
    assert_eq!(heard.recv_timeout(10 * SECOND), Ok("stop"));
    short.disarm();
    assert_eq!(long.disarm(), Outcome::Finished);
}

#[test]
fn a_call_that_does_not_stop_is_told_again_and_then_condemned() {
    let (slot, heard) = slot_with_channel(Duration::from_millis(250));
    slot.arm(wall(Duration::from_millis(1)));
    let told: Vec<_> = heard.iter().take_while(|told| *told != "condemn").collect();
    assert!(!told.is_empty() && told.iter().all(|told| *told == "stop"));
    assert_eq!(slot.disarm(), Outcome::Condemned);
}

#[test]
fn processor_time_is_what_the_thread_works_and_not_what_it_waits() {
    let (slot, heard) = slot_with_channel(60 * SECOND);
    let cpu = Duration::from_millis(30);
    slot.arm(Budget { wall: 600 * SECOND, cpu: Some(cpu) });
    std::thread::sleep(3 * cpu);
    assert_eq!(slot.stopped(), None, "it only slept");
    while slot.stopped().is_none() {}
    assert_eq!(heard.recv(), Ok("stop"));
    let Outcome::Stopped(Cause::CpuTime { used, limit }) = slot.disarm() else {
        panic!("another cause");
    };
    assert!(used >= limit && limit == cpu, "{used:?}");
}

#[test]
fn a_thread_that_is_woken_while_it_is_being_stopped_sees_that_it_is() {
    let (woken, wakes) = mpsc::channel();
    let stop = Box::new(move || {
        woken.send(()).unwrap_or(());
        std::thread::sleep(Duration::from_millis(20));
    });
    let slot = Arc::new(Slot::new(stop, 60 * SECOND, None));
    watch(&slot).unwrap();
    slot.arm(wall(Duration::from_millis(1)));
    wakes.recv().unwrap();
    assert!(slot.stopped().is_some());
    slot.disarm();
}

#[test]
fn the_first_cause_wins() {
    let (slot, _heard) = slot_with_channel(60 * SECOND);
    slot.arm(wall(60 * SECOND));
    assert!(slot.fire(Cause::MemoryLimit { used: 2, limit: 1 }));
    assert!(!slot.fire(Cause::Cancelled));
    assert_eq!(slot.disarm(), Outcome::Stopped(Cause::MemoryLimit { used: 2, limit: 1 }));
    assert!(!slot.fire(Cause::Cancelled), "no call runs");
}

#[test]
fn a_cancel_between_taking_a_call_up_and_arming_it_is_not_lost() {
    let (slot, _heard) = slot_with_channel(60 * SECOND);
    slot.ask(Cause::Cancelled);
    slot.ask(Cause::ShutDown);
    slot.arm(wall(60 * SECOND));
    assert_eq!(slot.disarm(), Outcome::Stopped(Cause::Cancelled));
    slot.forget_asked();
    slot.arm(wall(60 * SECOND));
    assert_eq!(slot.disarm(), Outcome::Finished);
}

#[test]
fn a_stop_is_counted_to_exactly_one_call_when_ends_and_stops_race() {
    let stops = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&stops);
    let slot = Arc::new(Slot::new(
        Box::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        }),
        60 * SECOND,
        None,
    ));
    watch(&slot).unwrap();
    let racer = Arc::clone(&slot);
    let done = Arc::new(AtomicBool::new(false));
    let until = Arc::clone(&done);
    let firing = std::thread::spawn(move || {
        let mut fired = 0;
        while !until.load(Ordering::Relaxed) {
            fired += usize::from(racer.fire(Cause::Cancelled));
        }
        fired
    });
    let mut stopped = 0;
    for _ in 0..200_000 {
        slot.arm(wall(60 * SECOND));
        stopped += usize::from(slot.disarm() != Outcome::Finished);
    }
    done.store(true, Ordering::Relaxed);
    assert_eq!(firing.join().unwrap(), stopped);
    assert_eq!(stops.load(Ordering::Relaxed), stopped);
}
