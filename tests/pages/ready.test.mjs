/** What stands on which page of an issue board. Run: node --test tests/pages/ */
import assert from "node:assert/strict";
import { test } from "node:test";
import { advanceReady, dayWords, pagesOf } from "../../tidehall/display/static/js/ready_state.js";

const group = (day, n) => ({ zone: "z", day, tails: Array.from({ length: n }, (_, i) => String(i + 1).padStart(5, "0")) });

test("every receipt stands on exactly one page, and no page has more rows than it holds", () => {
  for (let across = 1; across <= 6; across += 1) {
    for (let rows = 2; rows <= 9; rows += 1) {
      for (const sizes of [[], [1], [7, 1, 30], [100], [1, 1, 1, 1, 1, 1], [6, 6, 6]]) {
        const groups = sizes.map((n, i) => group(String(20261122 - i), n));
        const pages = pagesOf(groups, across, rows);
        const found = pages.flat().flatMap((block) => block.tails.map((tail) => block.day + tail));
        assert.deepEqual(found, groups.flatMap((one) => one.tails.map((tail) => one.day + tail)));
        pages.forEach((page) => {
          const used = page.reduce((sum, block) => sum + 1 + Math.ceil(block.tails.length / across), 0);
          assert.ok(used <= rows && page.length > 0);
          page.forEach((block) => assert.ok(block.tails.length > 0));
        });
      }
    }
  }
});

test("a day that goes on overleaf has its heading there again", () => {
  const pages = pagesOf([group("20261122", 5)], 2, 3);
  assert.deepEqual(pages.map((page) => page.map((block) => [block.day, block.tails.length])), [[["20261122", 4]], [["20261122", 1]]]);
});

test("a frame changes what it names and nothing else", () => {
  const board = { id: "ready", ready: [group("20261122", 1)], session: "open", stale_since: null };
  assert.deepEqual(advanceReady(board, { ready: [] }), { ...board, ready: [] });
  assert.deepEqual(advanceReady(board, { lines: [], calls: [] }), board);
});

test("a receipt's day reads as people say it", () => {
  assert.equal(dayWords("20260905", "{month}月{day}日收件"), "9月5日收件");
  assert.equal(dayWords("X1", "{month}月{day}日收件"), "X1");
});
