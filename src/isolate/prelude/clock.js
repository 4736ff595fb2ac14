// The clock prelude: one expression, evaluated to a function that the host calls once in a fresh realm,
// after the hardening prelude and before any guest code, if the plugin's clock is frozen or coarser
// than `Date` itself. `step` is what time is rounded down to, in milliseconds; `frozen` is the one moment
// that it always is, or undefined.
//
// WHAT HOLDS AFTERWARDS. Nothing in the language tells the present time but through `now` below. If
// the clock is frozen, nothing tells the host's time zone either: local time is UTC.
//
// The rules for editing are those of hardening.js: captured names only.
(function limitClock(step, frozen) {
  'use strict';

  const { apply, construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
  const { floor } = Math;
  const { setPrototypeOf } = Object;
  const uncurry = Function.prototype.bind.bind(Function.prototype.call);
  const Native = Date;
  const { now: nativeNow, parse: nativeParse, UTC } = Native;
  const prototype = Native.prototype;
  const isFrozen = frozen !== undefined;
  const now = isFrozen ? () => frozen : () => floor(nativeNow() / step) * step;

  // Puts `value` in place of owner[key], with the attributes that it had.
  function put(owner, key, value) {
    const { writable, enumerable, configurable } = getOwnPropertyDescriptor(owner, key);
    defineProperty(owner, key, { __proto__: null, value, writable, enumerable, configurable });
  }
  function install(owner, methods) {
    for (const key of ownKeys(methods)) {
      if (getOwnPropertyDescriptor(owner, key) !== undefined) put(owner, key, methods[key]);
    }
  }

  // ------------------------------------------------------------------------------------- local time
  const exec = uncurry(RegExp.prototype.exec);
  const slice = uncurry(String.prototype.slice);
  const toText = (value) => (typeof value === 'string' ? value : `${value}`);
  const ZONE = /(?:z|utc?|gmt|[+-]\d{1,2}:?\d{2}|\b[ecmp][sd]t|\([^)]*\))\s*$/i;
  const DATE_ONLY = /^[+-]?\d{4,6}(?:-\d\d){0,2}$/;
  const ISO_TIME = /^[+-]?\d{4,6}-\d\d-\d\dT/;
  // Texts that name no time zone are local time, and that is UTC.
  const parse = !isFrozen ? nativeParse : (value) => {
    const text = toText(value);
    if (text.length > 256 || exec(ZONE, text) !== null || exec(DATE_ONLY, text) !== null) return nativeParse(text);
    return nativeParse(`${text}${exec(ISO_TIME, text) !== null ? 'Z' : ' UTC'}`);
  };
  const toPrimitive = uncurry(prototype[Symbol.toPrimitive]);
  const getTime = uncurry(prototype.getTime);
  const isObject = (value) => (typeof value === 'object' ? value !== null : typeof value === 'function');
  const isDate = (value) => {
    try { getTime(value); return true; } catch { return false; }
  };

  const wrapper = function Date(year) {
    const target = new.target;
    if (target === undefined) return dateText(new Native(now()));
    const make = (value) => construct(Native, [value], target === wrapper ? Native : target);
    if (arguments.length === 0) return make(now());
    if (!isFrozen) return construct(Native, arguments, target === wrapper ? Native : target);
    if (arguments.length > 1) return make(apply(UTC, undefined, arguments));
    if (isObject(year) && !isDate(year)) {
      // As the language does it: the hint is "default".
      const convert = year[Symbol_toPrimitive];
      year = convert === undefined || convert === null ? toPrimitive(year, 'number') : apply(convert, year, ['default']);
    }
    return make(typeof year === 'string' ? parse(year) : year);
  };
  const Symbol_toPrimitive = Symbol.toPrimitive;
  for (const key of ownKeys(Native)) {
    if (key === 'prototype') defineProperty(wrapper, key, { __proto__: null, value: prototype, writable: false });
    else defineProperty(wrapper, key, getOwnPropertyDescriptor(Native, key));
  }
  setPrototypeOf(wrapper, getPrototypeOf(Native));
  install(wrapper, { now() { return now(); }, parse(string) { return parse(string); } });
  put(prototype, 'constructor', wrapper);
  put(globalThis, 'Date', wrapper);

  const toUTCString = uncurry(prototype.toUTCString);
  const valueOf = uncurry(prototype.valueOf);
  // "Thu, 01 Jan 1970 00:00:00 GMT", cut into what the local texts are made of. A year may be longer.
  const datePart = (text) => `${slice(text, 0, 3)} ${slice(text, 8, 11)} ${slice(text, 5, 7)} ${slice(text, 12, -13)}`;
  const timePart = (text) => `${slice(text, -12, -4)} GMT+0000 (Coordinated Universal Time)`;
  const toLocal = uncurry(prototype.toString);
  function dateText(date) {
    if (!isFrozen) return toLocal(date);
    const text = toUTCString(date);
    return text === 'Invalid Date' ? text : `${datePart(text)} ${timePart(text)}`;
  }

  if (isFrozen) {
    for (const name of ['FullYear', 'Month', 'Date', 'Hours', 'Minutes', 'Seconds', 'Milliseconds', 'Day']) {
      for (const verb of ['get', 'set']) {
        if (prototype[`${verb}${name}`] === undefined) continue;
        const utc = prototype[`${verb}UTC${name}`];
        const { length } = prototype[`${verb}${name}`];
        const local = { [`${verb}${name}`]() { return apply(utc, this, arguments); } }[`${verb}${name}`];
        defineProperty(local, 'length', { __proto__: null, value: length, configurable: true });
        put(prototype, `${verb}${name}`, local);
      }
    }
    const getUTCFullYear = uncurry(prototype.getUTCFullYear);
    const setUTCFullYear = uncurry(prototype.setUTCFullYear);
    const part = (cut) => (date) => {
      const text = toUTCString(date);
      return text === 'Invalid Date' ? text : cut(text);
    };
    const [onDate, onTime] = [part(datePart), part(timePart)];
    install(prototype, {
      getTimezoneOffset() { return valueOf(this) * 0; }, // NaN of an invalid date
      getYear() { return getUTCFullYear(this) - 1900; },
      setYear(year) {
        const number = +year;
        if (number !== number) return setUTCFullYear(this, number);
        const whole = floor(number);
        if (valueOf(this) !== valueOf(this)) setUTCFullYear(this, 1970, 0, 1);
        return setUTCFullYear(this, whole >= 0 && whole <= 99 ? 1900 + whole : whole);
      },
      toString() { return dateText(this); },
      toDateString() { return onDate(this); },
      toTimeString() { return onTime(this); },
    });
  }

  // ------------------------------------------------------------- what asks V8 itself what time it is
  const inUTC = (options) => {
    if (!isFrozen) return options;
    const asked = options === undefined ? { __proto__: null } : options;
    if (!isObject(asked)) return asked;
    // What is asked for stays, and is read where it would have been.
    const given = { __proto__: asked };
    if (asked.timeZone === undefined) defineProperty(given, 'timeZone', { __proto__: null, value: 'UTC' });
    return given;
  };
  for (const name of ['toLocaleString', 'toLocaleDateString', 'toLocaleTimeString']) {
    const native = prototype[name];
    install(prototype, { [name](locales = undefined, options = undefined) { return apply(native, this, [locales, inUTC(options)]); } });
    defineProperty(prototype[name], 'length', { __proto__: null, value: 0, configurable: true });
  }

  if (globalThis.Intl !== undefined) {
    const { DateTimeFormat } = Intl;
    const formats = DateTimeFormat.prototype;
    const format = getOwnPropertyDescriptor(formats, 'format').get;
    const { formatToParts } = formats;
    const present = (date) => (date === undefined ? now() : date);
    defineProperty(formats, 'format', {
      __proto__: null,
      get: { format() { const bound = apply(format, this, []); return (date) => bound(present(date)); } }.format,
      set: undefined,
      enumerable: false,
      configurable: true,
    });
    install(formats, { formatToParts(date) { return apply(formatToParts, this, [present(date)]); } });
    const made = function (locales = undefined, options = undefined) {
      const target = new.target === undefined || new.target === made ? DateTimeFormat : new.target;
      return construct(DateTimeFormat, [locales, inUTC(options)], target);
    };
    for (const key of ownKeys(DateTimeFormat)) {
      if (key === 'prototype') defineProperty(made, key, { __proto__: null, value: formats, writable: false });
      else defineProperty(made, key, getOwnPropertyDescriptor(DateTimeFormat, key));
    }
    put(formats, 'constructor', made);
    put(Intl, 'DateTimeFormat', made);
  }

  if (globalThis.Temporal !== undefined) {
    const { Now, Instant } = Temporal;
    const { fromEpochMilliseconds } = Instant;
    const toZoned = uncurry(Instant.prototype.toZonedDateTimeISO);
    const { timeZoneId } = Now;
    const zone = isFrozen ? () => 'UTC' : timeZoneId;
    const instant = () => fromEpochMilliseconds(now());
    const zoned = (timeZone) => toZoned(instant(), timeZone === undefined ? zone() : timeZone);
    const zonedPrototype = Temporal.ZonedDateTime.prototype;
    const toPlainDateTime = uncurry(zonedPrototype.toPlainDateTime);
    const toPlainDate = uncurry(zonedPrototype.toPlainDate);
    const toPlainTime = uncurry(zonedPrototype.toPlainTime);
    install(Now, {
      timeZoneId() { return zone(); },
      instant() { return instant(); },
      zonedDateTimeISO(timeZone = undefined) { return zoned(timeZone); },
      plainDateTimeISO(timeZone = undefined) { return toPlainDateTime(zoned(timeZone)); },
      plainDateISO(timeZone = undefined) { return toPlainDate(zoned(timeZone)); },
      plainTimeISO(timeZone = undefined) { return toPlainTime(zoned(timeZone)); },
    });
  }
})
