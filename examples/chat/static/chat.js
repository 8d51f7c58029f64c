"use strict";

// The page of the chat example. It speaks to the server in five events:
//   to the server    join ({nick, room})   say (text)   typing (on)
//   from the server  line ({id, at, nick, text, system}, room)   members ([nick], room, node)   typing ({nick, on})
// Behind one address there may be several servers, nodes of a cluster: each says who is connected to it.
// Whatever a person wrote reaches the page as text only, never as markup.

(() => {
  const ACK_MS = 10_000; // how long to wait for the server's answer
  const GROUP_MS = 5 * 60_000; // lines of one person closer than this share a heading
  const KEEP_LINES = 500; // how many lines stay on the page
  const TYPING_REPEAT_MS = 3_000; // say "still typing" this often
  const TYPING_IDLE_MS = 4_000; // no key for this long: not typing any more
  const TYPING_FORGET_MS = 8_000; // forget somebody who never said "stopped typing"
  const REJOIN_MS = 2_000; // pause between tries to come back
  const REJOIN_TRIES = 30;
  const NODE_FORGET_MS = 30_000; // forget who is on a node that has said nothing for this long

  const $ = (id) => document.getElementById(id);
  const ui = {
    title: $("title"),
    status: $("status"),
    statusText: $("status-text"),
    change: $("switch"),
    notice: $("notice"),
    noticeText: $("notice-text"),
    reconnect: $("reconnect"),
    joinView: $("join-view"),
    joinForm: $("join-form"),
    nick: $("nick"),
    room: $("room"),
    error: $("error"),
    join: $("join"),
    back: $("back"),
    chatView: $("chat-view"),
    members: $("members"),
    count: $("people-count"),
    messages: $("messages"),
    lines: $("lines"),
    jump: $("jump"),
    typing: $("typing"),
    unsent: $("unsent"),
    sayForm: $("say-form"),
    text: $("text"),
    send: $("send"),
  };

  let me = null; // {nick, room} as the server last confirmed it
  let wanted = null; // {nick, room} to join as soon as there is a connection
  let joined = false; // in a room on the present connection
  let joinNumber = 0; // tells an answer to the newest join from an older one
  let early = null; // what arrives while a join is being answered: [function of the room]
  let myNode = ""; // the server that this page is connected to
  let rejoinTimer = 0;
  let unread = 0;
  let follow = true; // the newest line is in view and stays so
  let outbox = []; // {text, room, state: 'pending' | 'waiting' | 'failed', why}
  let shown = new Map(); // id -> {line, item}

  // ---- what is kept between visits ----

  const NICK_KEY = "sio-chat.nick";
  const ROOM_KEY = "sio-chat.room";
  const HERE_KEY = "sio-chat.here"; // this tab is in a room: a reload comes back to it

  function recall(store, key) {
    try {
      return window[store].getItem(key) || "";
    } catch {
      return "";
    }
  }
  function keep(store, key, value) {
    try {
      window[store].setItem(key, value);
    } catch {
      /* the chat works without */
    }
  }
  function roomFromHash() {
    try {
      return decodeURIComponent(location.hash.slice(1)).trim();
    } catch {
      return "";
    }
  }

  // ---- small helpers ----

  function element(tag, className, text) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  function paint(node, nick) {
    let hash = 2166136261;
    for (const char of nick) hash = Math.imul(hash ^ char.codePointAt(0), 16777619) >>> 0;
    node.style.setProperty("--hue", String((hash >>> 8) % 360));
  }

  function avatar(nick) {
    const node = element("span", "avatar", (Array.from(nick)[0] || "?").toUpperCase());
    node.setAttribute("aria-hidden", "true");
    return node;
  }

  function clock(at) {
    const date = new Date(at);
    const node = element("time");
    if (Number.isNaN(date.getTime())) return node;
    const today = date.toDateString() === new Date().toDateString();
    node.dateTime = date.toISOString();
    node.title = date.toLocaleString("en");
    node.textContent = new Intl.DateTimeFormat("en", {
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
      ...(today ? {} : { month: "short", day: "numeric" }),
    }).format(date);
    return node;
  }

  // ---- status, notice, error ----

  function showTransport() {
    showStatus("connected", socket.io.engine.transport.name);
  }

  function showStatus(state, transport = "") {
    ui.status.dataset.state = state;
    ui.status.dataset.transport = transport;
    ui.status.dataset.node = state === "connected" ? myNode : "";
    ui.statusText.textContent = "";
    if (state === "connected") {
      ui.statusText.append(element("span", "word", "Connected · "), transport);
      if (myNode) ui.statusText.append(element("span", "word", ` · ${myNode}`));
    } else {
      ui.statusText.append(
        {
          connecting: "Connecting…",
          reconnecting: "Reconnecting…",
          disconnected: "Disconnected",
        }[state],
      );
    }
  }

  function showNotice(text, withButton = false) {
    ui.notice.hidden = !text;
    ui.noticeText.textContent = text;
    ui.reconnect.hidden = !withButton;
  }

  function showError(text, field) {
    ui.error.hidden = !text;
    ui.error.textContent = text;
    for (const input of [ui.nick, ui.room]) {
      if (input === field) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
    if (field) field.focus();
  }

  const JOIN_ERRORS = {
    invalid_nick: ["Choose a nickname of 1 to 24 characters.", ui.nick],
    invalid_room: ["Choose a room name of 1 to 32 characters.", ui.room],
    nick_taken: ["Somebody in this room already uses that nickname. Choose another.", ui.nick],
  };
  const SAY_ERRORS = {
    not_joined: "you are not in the room",
    invalid_text: "a message has 1 to 2000 characters",
  };

  // ---- the two views ----

  function showJoin() {
    ui.chatView.hidden = true;
    ui.joinView.hidden = false;
    ui.change.hidden = true;
    ui.back.hidden = !me;
    if (!ui.nick.value) ui.nick.focus();
    else ui.room.focus();
  }

  function showChat() {
    const entering = ui.chatView.hidden;
    showError("");
    ui.joinView.hidden = true;
    ui.chatView.hidden = false;
    ui.change.hidden = false;
    if (!entering) return;
    scrollDown();
    // on a touch screen, focus in the text field would open the keyboard
    if (matchMedia("(pointer: fine)").matches) ui.text.focus();
    else ui.title.focus();
  }

  function showTitle() {
    ui.title.textContent = me ? `#${me.room}` : "sio chat";
    const base = me ? `#${me.room} · sio chat` : "sio chat";
    document.title = unread ? `(${unread}) ${base}` : base;
  }

  // ---- the log ----

  function atBottom() {
    const box = ui.messages;
    return box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  }

  function scrollDown() {
    follow = true;
    ui.messages.scrollTop = ui.messages.scrollHeight;
    ui.jump.hidden = true;
  }

  function clearLog() {
    shown = new Map();
    ui.lines.textContent = "";
    ui.jump.hidden = true;
  }

  function lineItem(line) {
    const item = element("li", line.system ? "system" : "line");
    item.dataset.id = String(line.id);
    item.dataset.nick = line.nick;
    item.dataset.system = String(Boolean(line.system));
    const text = element("span", "text", line.text);
    text.dir = "auto";
    if (line.system) {
      item.append(text, clock(line.at));
      return item;
    }
    paint(item, line.nick);
    const own = me !== null && line.nick === me.nick;
    item.classList.toggle("own", own);
    item.dataset.own = String(own);
    const nick = element("bdi", "nick", line.nick);
    const meta = element("div", "meta");
    meta.append(nick, clock(line.at));
    item.append(avatar(line.nick), meta, text);
    return item;
  }

  function group(item) {
    if (!item || item.dataset.system === "true") return;
    const before = item.previousElementSibling;
    const a = before && shown.get(Number(before.dataset.id))?.line;
    const b = shown.get(Number(item.dataset.id)).line;
    item.classList.toggle(
      "follows",
      Boolean(a && !a.system && a.nick === b.nick && b.at - a.at < GROUP_MS),
    );
  }

  // Puts a line at its place by id; a line that is there already stays once.
  function addLine(line) {
    if (!line || typeof line.id !== "number" || shown.has(line.id)) return false;
    const item = lineItem(line);
    shown.set(line.id, { line, item });
    let after = ui.lines.lastElementChild;
    while (after && Number(after.dataset.id) > line.id) after = after.previousElementSibling;
    if (after) after.after(item);
    else ui.lines.prepend(item);
    group(item);
    group(item.nextElementSibling);
    while (ui.lines.childElementCount > KEEP_LINES) {
      const oldest = ui.lines.firstElementChild;
      shown.delete(Number(oldest.dataset.id));
      oldest.remove();
    }
    if (!line.system && me && line.nick === me.nick) arrived(line.text);
    return true;
  }

  function newLine(line) {
    const stay = !follow && !(me && line.nick === me.nick && !line.system);
    if (!addLine(line)) return;
    if (!line.system) setTyping(line.nick, false);
    if (stay) ui.jump.hidden = false;
    else scrollDown();
    if (document.hidden && !line.system) {
      unread += 1;
      showTitle();
    }
  }

  // ---- members and who is typing ----

  const typists = new Map(); // nick -> timer

  let nodes = new Map(); // node -> {members, heard}

  function forgetNodes() {
    const late = Date.now() - NODE_FORGET_MS;
    const before = nodes.size;
    for (const [node, { heard }] of nodes) {
      // One's own node is there as long as the connection is, and a server that stands alone says it once.
      if (node !== myNode && heard < late) nodes.delete(node);
    }
    if (nodes.size !== before) showMembers();
  }
  setInterval(forgetNodes, NODE_FORGET_MS / 6);

  function heardMembers(members, node) {
    if (!Array.isArray(members)) return;
    nodes.set(String(node), { members, heard: Date.now() });
    showMembers();
  }

  function showMembers() {
    const where = new Map(); // nick -> node
    for (const [node, { members }] of nodes) {
      for (const nick of members) if (!where.has(nick) || node === myNode) where.set(nick, node);
    }
    const members = [...where.keys()].sort((a, b) => (a < b ? -1 : 1));
    ui.count.textContent = String(members.length);
    ui.members.replaceChildren(
      ...members.map((nick) => {
        const item = element("li");
        item.dataset.nick = nick;
        item.dataset.node = where.get(nick);
        if (nodes.size > 1) item.title = `on ${where.get(nick)}`;
        paint(item, nick);
        item.append(avatar(nick), element("bdi", "name", nick));
        if (me && nick === me.nick) item.append(element("span", "you", "(you)"));
        return item;
      }),
    );
    for (const nick of typists.keys()) if (!members.includes(nick)) setTyping(nick, false);
  }

  function setTyping(nick, on) {
    clearTimeout(typists.get(nick));
    typists.delete(nick);
    if (on)
      typists.set(
        nick,
        setTimeout(() => setTyping(nick, false), TYPING_FORGET_MS),
      );
    const names = [...typists.keys()];
    ui.typing.textContent =
      names.length === 0
        ? ""
        : names.length === 1
          ? `${names[0]} is typing…`
          : names.length === 2
            ? `${names[0]} and ${names[1]} are typing…`
            : "Several people are typing…";
  }

  function forgetTyping() {
    for (const nick of [...typists.keys()]) setTyping(nick, false);
  }

  // ---- messages on their way ----

  function showUnsent() {
    const due = outbox.filter((entry) => entry.state !== "pending" && me && entry.room === me.room);
    ui.unsent.replaceChildren(
      ...due.map((entry) => {
        const item = element("li");
        item.dataset.state = entry.state;
        const body = element("div", "body");
        const text = element("span", "text", entry.text);
        text.dir = "auto";
        body.append(text, element("span", "why", entry.why));
        item.append(body);
        if (entry.state === "failed") {
          const again = element("button", "quiet", "Try again");
          again.type = "button";
          again.addEventListener("click", () => {
            transmit(entry);
            ui.text.focus();
          });
          item.append(again);
        }
        const drop = element("button", "quiet", "Discard");
        drop.type = "button";
        drop.addEventListener("click", () => {
          remove(entry);
          ui.text.focus();
        });
        item.append(drop);
        return item;
      }),
    );
  }

  function remove(entry) {
    outbox = outbox.filter((other) => other !== entry);
    showUnsent();
  }

  // A line of our own was shown: the message behind it has been delivered, even if its
  // acknowledgement got lost with the connection. One that was never handed over is no match.
  function arrived(text) {
    const entry = outbox.find(
      (other) => other.state !== "waiting" && other.sent && other.text === text,
    );
    if (entry) remove(entry);
  }

  function transmit(entry) {
    if (!joined) {
      entry.state = "waiting";
      entry.why = "Not sent: waiting for the connection";
      showUnsent();
      return;
    }
    entry.state = "pending";
    entry.sent = true;
    showUnsent();
    socket.timeout(ACK_MS).emit("say", entry.text, (failure, reply) => {
      if (!outbox.includes(entry)) return;
      if (!failure && reply && !reply.error) {
        remove(entry);
        if (me && entry.room === me.room) newLine(reply);
        return;
      }
      entry.state = "failed";
      if (failure) {
        entry.why = "Not confirmed by the server";
      } else {
        const { code, message } = (reply && reply.error) || {};
        entry.sent = false;
        entry.why = `Not sent: ${SAY_ERRORS[code] || message || "the server refused it"}`;
        if (code === "not_joined" && wanted) {
          joined = false;
          enter(wanted, true);
        }
      }
      showUnsent();
    });
  }

  // ---- joining ----

  function enter(target, again = false, tries = 0) {
    const number = ++joinNumber;
    clearTimeout(rejoinTimer);
    // What comes for the room that is being left must not land in the new one, nor the other way round.
    early = [];
    if (!again) ui.join.disabled = true;
    socket.timeout(ACK_MS).emit("join", target, (failure, reply) => {
      if (number !== joinNumber) return;
      const before = early;
      early = null;
      ui.join.disabled = false;
      const error = failure ? { code: "timeout" } : (reply && reply.error) || (reply ? null : {});
      if (!error) {
        entered(reply, before);
        return;
      }
      if (!socket.connected) return; // joins again after the reconnect
      if (again && tries < REJOIN_TRIES && (failure || error.code === "nick_taken")) {
        // the server may not have noticed yet that the former connection is gone
        showNotice("Coming back into the room…");
        rejoinTimer = setTimeout(() => enter(target, true, tries + 1), REJOIN_MS);
        return;
      }
      wanted = joined ? me : null;
      if (joined) {
        for (const heard of before) heard(me.room); // still in the former room
      } else {
        me = null;
        keep("sessionStorage", HERE_KEY, "");
        showTitle();
      }
      showNotice("");
      ui.nick.value = target.nick;
      ui.room.value = target.room;
      showJoin();
      const [text, field] = JOIN_ERRORS[error.code] || [];
      showError(
        text ||
          (failure
            ? "The server did not answer. Try again."
            : error.message || "The server refused."),
        field,
      );
    });
  }

  function entered(reply, before) {
    const same = me && me.room === reply.room && me.nick === reply.nick;
    const history = Array.isArray(reply.history) ? reply.history : [];
    // After a reconnect the missed lines are added to those on the page, provided the two meet.
    const meets = history.some((line) => shown.get(line.id)?.line.at === line.at);
    ui.messages.setAttribute("aria-busy", "true");
    if (!same || !meets) clearLog();
    if (!same) forgetTyping();
    me = { nick: reply.nick, room: reply.room };
    wanted = me;
    joined = true;
    for (const line of history) addLine(line);
    ui.messages.removeAttribute("aria-busy");
    ui.nick.value = me.nick;
    ui.room.value = me.room;
    keep("localStorage", NICK_KEY, me.nick);
    keep("localStorage", ROOM_KEY, me.room);
    keep("sessionStorage", HERE_KEY, me.room);
    const hash = `#${encodeURIComponent(me.room)}`;
    if (location.hash !== hash) setHash(hash);
    myNode = String(reply.node || "");
    showTransport();
    nodes = new Map();
    for (const [node, members] of Object.entries(reply.elsewhere || {})) heardMembers(members, node);
    heardMembers(reply.members, myNode);
    for (const heard of before) heard(me.room);
    showNotice("");
    showTitle();
    showChat();
    scrollDown();
    for (const entry of outbox.filter((e) => e.state === "waiting" && e.room === me.room))
      transmit(entry);
    showUnsent();
  }

  function setHash(hash) {
    try {
      window.history.replaceState(null, "", hash);
    } catch {
      /* only the address bar */
    }
  }

  // ---- the connection ----

  ui.nick.value = recall("localStorage", NICK_KEY);
  ui.room.value = roomFromHash() || recall("localStorage", ROOM_KEY) || "lobby";
  showJoin();

  if (typeof io !== "function") {
    showStatus("disconnected");
    showNotice("The Socket.IO client could not be loaded. Reload the page to try again.");
    return;
  }

  // The default transports: long polling first, then an upgrade to WebSocket where possible.
  const socket = io({ transports: ["polling", "websocket"] });

  // A reload of a tab that was in a room goes back there.
  if (ui.nick.value && recall("sessionStorage", HERE_KEY) === ui.room.value) {
    wanted = { nick: ui.nick.value, room: ui.room.value };
  }

  socket.io.on("open", () => {
    const { engine } = socket.io;
    engine.on("upgrade", (transport) => {
      if (engine === socket.io.engine && socket.connected) showStatus("connected", transport.name);
    });
  });

  socket.on("connect", () => {
    myNode = ""; // maybe another one than before
    showTransport();
    if (!wanted) {
      showNotice("");
      return;
    }
    if (me) showNotice("Coming back into the room…");
    else showNotice("");
    enter(wanted, true);
  });

  socket.on("disconnect", (reason) => {
    joined = false;
    early = null;
    joinNumber += 1; // an answer of the former connection no longer counts
    clearTimeout(rejoinTimer);
    ui.join.disabled = false;
    forgetTyping();
    stopTyping(false);
    if (socket.active) {
      showStatus("reconnecting");
      showNotice("Connection lost. Reconnecting…");
    } else {
      showStatus("disconnected");
      showNotice(
        reason === "io server disconnect" ? "The server closed the connection." : "Disconnected.",
        true,
      );
    }
  });

  socket.on("connect_error", (error) => {
    if (socket.active) {
      showStatus(me ? "reconnecting" : "connecting");
      showNotice("The server cannot be reached. Trying again…");
    } else {
      showStatus("disconnected");
      showNotice(`The server refused the connection: ${error.message}`, true);
    }
  });

  // Calls `heard` if it is about the room this page is in, later if that is being changed.
  function hear(room, heard) {
    const inRoom = (mine) => {
      if (room === mine) heard();
    };
    if (early) early.push(inRoom);
    else if (joined) inRoom(me.room);
  }

  socket.on("line", (line, room) => hear(room, () => newLine(line)));

  socket.on("members", (members, room, node) => hear(room, () => heardMembers(members, node)));

  socket.on("typing", (what) => {
    if (joined && !early && what && typeof what.nick === "string") {
      setTyping(what.nick, what.on === true);
    }
  });

  ui.reconnect.addEventListener("click", () => {
    showStatus("connecting");
    showNotice("");
    socket.connect();
  });

  // Leaving the page frees the nickname at once instead of after a missed heartbeat.
  window.addEventListener("pagehide", () => socket.disconnect());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) socket.connect();
  });

  // ---- what the person does ----

  ui.joinForm.addEventListener("submit", (event) => {
    event.preventDefault();
    const target = { nick: ui.nick.value.trim(), room: ui.room.value.trim() };
    showError("");
    if (!target.nick) return showError(...JOIN_ERRORS.invalid_nick);
    if (!target.room) return showError(...JOIN_ERRORS.invalid_room);
    wanted = target;
    if (socket.connected) {
      enter(target);
    } else {
      showNotice("You will join as soon as the server can be reached.");
      if (!socket.active) socket.connect();
    }
    return undefined;
  });

  ui.change.addEventListener("click", showJoin);
  ui.back.addEventListener("click", showChat);

  window.addEventListener("hashchange", () => {
    const room = roomFromHash();
    if (!room) return;
    ui.room.value = room;
    if (!me || room === me.room) return;
    wanted = { nick: me.nick, room };
    if (socket.connected) enter(wanted);
  });

  let typing = false;
  let typingSaid = 0;
  let typingTimer = 0;

  function startTyping() {
    clearTimeout(typingTimer);
    typingTimer = setTimeout(() => stopTyping(), TYPING_IDLE_MS);
    const now = Date.now();
    if (typing && now - typingSaid < TYPING_REPEAT_MS) return;
    typing = true;
    typingSaid = now;
    if (joined) socket.emit("typing", true);
  }

  function stopTyping(tell = true) {
    clearTimeout(typingTimer);
    if (!typing) return;
    typing = false;
    if (tell && joined) socket.emit("typing", false);
  }

  function fitText() {
    ui.text.style.height = "auto";
    ui.text.style.height = `${ui.text.scrollHeight + 2}px`;
  }

  ui.text.addEventListener("input", () => {
    fitText();
    if (ui.text.value.trim()) startTyping();
    else stopTyping();
  });

  ui.text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    ui.sayForm.requestSubmit();
  });

  ui.sayForm.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = ui.text.value.trim();
    if (!text || !me) return;
    ui.text.value = "";
    fitText();
    stopTyping();
    const entry = { text, room: me.room, state: "pending", why: "", sent: false };
    outbox.push(entry);
    transmit(entry);
    ui.text.focus();
  });

  ui.messages.addEventListener("scroll", () => {
    follow = atBottom();
    if (follow) ui.jump.hidden = true;
  });
  // the log gets smaller when a notice, an unsent message or the keyboard of a phone appears
  new ResizeObserver(() => {
    if (follow) scrollDown();
  }).observe(ui.messages);
  ui.jump.addEventListener("click", () => {
    scrollDown();
    ui.text.focus();
  });

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    unread = 0;
    showTitle();
  });
})();
