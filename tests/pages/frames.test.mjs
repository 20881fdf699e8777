/** The grammar of the feed, and what the pages make of its frames. Run: node --test tests/pages/ */
import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, merge, pause } from "../../tidehall/display/static/js/frames.js";
import { choose } from "../../tidehall/display/static/js/guide_choice.js";
import { advance as advanceBoard, advanceStrip, answered, byZone, emptyStage, forget, LARGE_MS, offer, settledStage, STACK_MS, turn } from "../../tidehall/display/static/js/board_state.js";
import { advance as advanceDesk, keys, longestWaiting } from "../../tidehall/display/static/js/desk_state.js";
import { advance as advanceTicket, sentence } from "../../tidehall/display/static/js/ticket_state.js";
import { fill, range, span } from "../../tidehall/display/static/js/words.js";

const call = (id, at = 0, attempt = 1) => ({ call_id: id, attempt, number: "A" + id, window: "w", label: "1", zone: "z", at: new Date(at).toISOString() });

test("a frame is applied, dropped or answered with a resync by its positions alone", () => {
  const update = (prev, seq) => ({ type: "update", prev, seq });
  assert.equal(judge(null, { type: "snapshot", seq: 3 }), "snapshot");
  assert.equal(judge(null, update(0, 1)), "resync");
  assert.equal(judge(5, update(3, 5)), "ignore");
  assert.equal(judge(5, update(5, 9)), "apply");
  assert.equal(judge(5, update(4, 9)), "apply");
  assert.equal(judge(5, update(6, 9)), "resync");
  assert.equal(judge(5, { type: "beat", seq: 5 }), "beat");
  assert.equal(judge(5, { type: "beat", seq: 6 }), "resync");
  assert.equal(judge(5, { type: "weather", seq: 6 }), "ignore");
});

test("any order of lost and repeated frames ends in the state of all frames, or asks for a snapshot", () => {
  const frames = Array.from({ length: 40 }, (_, i) => ({ type: "update", prev: i * 3, seq: (i + 1) * 3, value: i }));
  for (let seed = 1; seed <= 200; seed += 1) {
    let random = seed;
    const chance = () => (random = (random * 1103515245 + 12345) % 2147483648) / 2147483648;
    let last = 0;
    let value = null;
    for (const frame of frames) {
      for (let copies = chance() < 0.2 ? 0 : chance() < 0.3 ? 2 : 1; copies > 0; copies -= 1) {
        const verdict = judge(last, frame);
        if (verdict === "apply") [last, value] = [frame.seq, frame.value];
        if (verdict === "resync") [last, value] = [frame.seq, frame.value];
      }
    }
    if (judge(last, { type: "beat", seq: 120 }) === "beat") assert.equal(value, 39);
    else assert.ok(last < 120);
  }
});

test("waiting before the next try is jittered fully and never longer than 3 s", () => {
  assert.equal(pause(0, 0), 0);
  assert.equal(pause(0, 1), 500);
  assert.equal(pause(2, 1), 2000);
  assert.equal(pause(99, 1), 3000);
  assert.equal(pause(99, 1, 15000), 15000);
});

test("changed objects take the place of the ones with their id, others stay", () => {
  const list = [{ id: "a", n: 1, name: "x" }, { id: "b", n: 2 }];
  assert.deepEqual(merge(list, [{ id: "a", n: 5 }]), [{ id: "a", n: 5, name: "x" }, { id: "b", n: 2 }]);
  assert.equal(merge(list, undefined), list);
});

test("a board takes absolute values and leaves the rest", () => {
  const board = { lines: [{ id: "A", waiting: 1 }], windows: [], calls: [], recent: [], missed: ["A1"], issuing: true, stale_since: null };
  const next = advanceBoard(board, { lines: [{ id: "A", waiting: 2 }], missed: [], stale_since: "2026-11-22T14:02:00+08:00" });
  assert.deepEqual(next.lines, [{ id: "A", waiting: 2 }]);
  assert.deepEqual(next.missed, []);
  assert.equal(next.issuing, true);
  assert.equal(next.stale_since, "2026-11-22T14:02:00+08:00");
  assert.deepEqual(board.missed, ["A1"]);
});

test("a strip's lines have no ids and are taken whole", () => {
  assert.deepEqual(advanceStrip({ lines: [{ letter: "A" }], number: "A1" }, { lines: [{ letter: "B" }], number: null }), { lines: [{ letter: "B" }], number: null });
});

test("three calls inside ten seconds stand together, newest on top, and a fourth waits for its moment", () => {
  let stage = emptyStage();
  for (const [i, at] of [[1, 0], [2, 100], [3, 200], [4, 300]]) stage = offer(stage, call(String(i)), at);
  assert.deepEqual(stage.top.map((s) => s.call.call_id), ["3", "2", "1"]);
  assert.deepEqual(stage.queue.map((c) => c.call_id), ["4"]);
  stage = turn(stage, LARGE_MS - 1);
  assert.equal(stage.top[0].call.call_id, "3");
  stage = turn(stage, LARGE_MS);
  assert.deepEqual(stage.top.map((s) => s.call.call_id), ["4", "3", "2"]);
});

test("every call of a burst has at least four seconds in large type", () => {
  let stage = emptyStage();
  const first = new Map();
  const last = new Map();
  for (let i = 0; i < 12; i += 1) stage = offer(stage, call(String(i)), i * 50);
  for (let now = 600; now < 60000; now += 50) {
    stage = turn(stage, now);
    for (const staged of stage.top) {
      const id = staged.call.call_id;
      if (!first.has(id)) first.set(id, staged.since);
      last.set(id, now);
    }
  }
  assert.equal(first.size, 12);
  for (const [id, since] of first) assert.ok(last.get(id) - since >= LARGE_MS - 50, id);
});

test("after ten seconds the newest call stands alone", () => {
  let stage = offer(offer(emptyStage(), call("1"), 0), call("2"), 5000);
  stage = turn(stage, 5000 + STACK_MS);
  assert.deepEqual(stage.top.map((s) => s.call.call_id), ["2"]);
});

test("a recall comes to the top again, once", () => {
  let stage = offer(offer(emptyStage(), call("1"), 0), call("2"), 1000);
  stage = offer(stage, call("1", 0, 2), 2000);
  assert.deepEqual(stage.top.map((s) => s.call.call_id), ["1", "2"]);
  assert.equal(offer(stage, call("1", 0, 2), 2100), stage);
});

test("calls that closed before their moment need none, and the queue is bounded", () => {
  let stage = emptyStage();
  for (let i = 0; i < 500; i += 1) stage = offer(stage, call(String(i)), i);
  assert.ok(stage.queue.length <= 9);
  assert.equal(forget(stage, []).queue.length, 0);
});

test("a snapshot shows the newest open call without ringing it again", () => {
  const stage = settledStage({ calls: [call("1", 1000), call("2", 2000)], recent: [call("9", 0)] }, 50000);
  assert.deepEqual(stage.top.map((s) => s.call.call_id), ["2"]);
  assert.ok(50000 - stage.top[0].since >= STACK_MS);
  assert.deepEqual(settledStage({ calls: [], recent: [] }, 0).top, []);
});

test("an answered call stays four seconds, then the newest open one or nothing stands there", () => {
  const old = call("1", 0);
  const mine = call("2", 1000);
  let stage = offer(emptyStage(), mine, 1000);
  stage = answered(stage, { calls: [old] }, 5000);
  assert.deepEqual(answered(stage, { calls: [old] }, 5000 + LARGE_MS - 1).top.map((s) => s.call.call_id), ["2"]);
  assert.deepEqual(answered(stage, { calls: [old] }, 5000 + LARGE_MS).top.map((s) => s.call.call_id), ["1"]);
  assert.deepEqual(answered(stage, { calls: [] }, 5000 + LARGE_MS).top, []);
  assert.deepEqual(settledStage({ calls: [], recent: [old] }, 0).top, []);
});

test("in one place every call of a burst has its four seconds too", () => {
  let stage = offer(offer(emptyStage(), call("1"), 0, 1), call("2"), 100, 1);
  assert.deepEqual(stage.top.map((s) => s.call.call_id), ["1"]);
  stage = turn(stage, LARGE_MS, 1);
  assert.deepEqual(stage.top.map((s) => s.call.call_id), ["2"]);
});

test("a zone keeps its last calls though others call more often, each number once", () => {
  const in_zone = (id, zone, at, attempt = 1) => Object.assign(call(id, at, attempt), { zone });
  let kept = { z: [in_zone("1", "z", 0)], y: [] };
  kept = byZone(kept, [in_zone("9", "y", 50), in_zone("8", "y", 40)], 2);
  kept = byZone(kept, [in_zone("1", "z", 70, 2)], 2);
  assert.deepEqual(kept.z.map((c) => c.attempt), [2]);
  assert.deepEqual(kept.y.map((c) => c.call_id), ["9", "8"]);
});

test("the longest wait is that of the ticket taken first", () => {
  assert.equal(longestWaiting([]), null);
  assert.equal(longestWaiting([{ taken_at: "2026-11-22T10:05:00+08:00" }, { taken_at: "2026-11-22T10:00:00+08:00" }]), Date.parse("2026-11-22T10:00:00+08:00"));
});

test("what the guide types finds one thing or says which to choose from", () => {
  const words = { "guide.unclear": "没有{asked}", "guide.several": "{asked} {n} {names}" };
  const page = { lang: "zh", words, letters: { A: "a" }, lines: { a: "社会事务" }, codes: { "SS-1": "社保卡申领 ss-1", "SS-2": "社保转移 ss-2" }, items: { "SS-1": { name: { zh: "社保卡申领" } }, "SS-2": { name: { zh: "社保转移" } } } };
  assert.deepEqual(choose("Ａ", page).what, { line: "a" });
  assert.deepEqual(choose("ss-2 · 社保转移", page).what, { item: "SS-2" });
  assert.deepEqual(choose("社保卡", page).what, { item: "SS-1" });
  assert.deepEqual(choose("社保", page), { what: null, said: "社保 2 SS-1 · 社保卡申领；SS-2 · 社保转移" });
  assert.deepEqual(choose("养狗", page), { what: null, said: "没有养狗" });
});

test("keys are solid exactly where the server allows their action", () => {
  const free = keys(["sign-in", "pause", "lines", "close", "call", "next", "unsuspend"], false);
  assert.deepEqual(free.filter((k) => k.solid).map((k) => [k.key, k.action]), [["F1", "call"], ["F9", "pause"]]);
  assert.deepEqual(free.filter((k) => k.primary).map((k) => k.key), ["F1"]);
  const serving = keys(["pause", "finish", "suspend", "transfer", "reject", "items", "next"], true);
  assert.deepEqual(serving.filter((k) => k.solid).map((k) => k.key), ["F1", "F5", "F6", "F7", "F8", "F9"]);
  assert.equal(serving[0].action, "next");
  assert.deepEqual(keys([], false).filter((k) => k.solid), []);
  assert.equal(keys(["resume"], false)[8].action, "resume");
});

test("a desk takes the window's own row from the list when the frame names it no other way", () => {
  const desk = { window: { id: "s01", state: "open" }, windows: [{ id: "s01", state: "open" }], lines: [], waiting: [], parked: [] };
  const next = advanceDesk(desk, { windows: [{ id: "s01", state: "paused" }] });
  assert.equal(next.window.state, "paused");
  assert.deepEqual(advanceDesk(next, { waiting: [1] }).waiting, [1]);
});

test("a beat refreshes a ticket's wait and keeps the rest", () => {
  const ticket = { number: "A1", state: "waiting", ahead: 3, estimate: null, calls: 0 };
  assert.deepEqual(advanceTicket(ticket, { type: "beat", ticket: { ahead: 2 } }), { number: "A1", state: "waiting", ahead: 2, estimate: null, calls: 0 });
});

test("the phone says one sentence per state", () => {
  const words = { "phone.called": "到 {label} 号", "phone.waiting": "等", "phone.waiting_again": "又等", "phone.suspended": "停", "phone.suspended_away": "取" };
  assert.equal(sentence({ state: "called", window_label: "3", calls: 1 }, words), "到 3 号");
  assert.equal(sentence({ state: "waiting", calls: 0 }, words), "等");
  assert.equal(sentence({ state: "waiting", calls: 1 }, words), "又等");
  assert.equal(sentence({ state: "suspended", parked: "away", calls: 1 }, words), "取");
  assert.equal(sentence({ state: "suspended", parked: "hold", calls: 1 }, words), "停");
});

test("minutes are rounded outward, never 0, and times read as people write them", () => {
  assert.deepEqual(range({ p10_s: 5, p90_s: 30 }), [1, 2]);
  assert.deepEqual(range({ p10_s: 719, p90_s: 1201 }), [11, 21]);
  assert.equal(range(null), null);
  assert.equal(span(5), "0:05");
  assert.equal(span(754.9), "12:34");
  assert.equal(span(3661), "1:01:01");
  assert.equal(fill("前面 {n} 人{x}", { n: 0 }), "前面 0 人");
});
