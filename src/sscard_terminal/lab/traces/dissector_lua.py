"""The part of the Lua dissector that is the same in every language: it reads the tables dissector.py puts before it.

Source: the Wireshark Developer's Guide, chapter 11 (Lua); GSMTAP's fields: packet-gsmtap.c.
"""

from __future__ import annotations

HEAD = """\
-- Commands of the Chinese social security card and its PSAM, for Wireshark and tshark (GSMTAP, type SIM).
-- Made by `sscard trace dissector`; put it into Wireshark's plugin folder or name it with -X lua_script:FILE.
-- Fields: sscard.command, .cla, .ins, .p1, .p2, .application, .file, .record, .tag, .data, .answer, .sw, .meaning, and
-- sscard.part.* for every part of a command or answer. Nothing is withheld here that the capture holds: `sscard trace
-- export` has withheld it before.
"""

PROGRAM = """\
-- Lua 5.2 (Wireshark 4.0, 4.2) has no operators for bits, later ones may have no library for them.
local bits = bit or bit32
local band = bits and bits.band or load("return function(a, b) return a & b end")()
local shift = bits and bits.rshift or load("return function(a, b) return a >> b end")()

local sscard = Proto("sscard", "Social security card")
local f = {
  command = ProtoField.string("sscard.command", "Command"),
  cla = ProtoField.uint8("sscard.cla", "CLA", base.HEX),
  ins = ProtoField.uint8("sscard.ins", "INS", base.HEX),
  p1 = ProtoField.uint8("sscard.p1", "P1", base.HEX),
  p2 = ProtoField.uint8("sscard.p2", "P2", base.HEX),
  application = ProtoField.string("sscard.application", "Application"),
  file = ProtoField.string("sscard.file", "File"),
  record = ProtoField.uint8("sscard.record", "Record"),
  tag = ProtoField.uint8("sscard.tag", "Tag", base.HEX),
  data = ProtoField.bytes("sscard.data", "Data"),
  answer = ProtoField.bytes("sscard.answer", "Answer"),
  sw = ProtoField.uint16("sscard.sw", "Status word", base.HEX),
  meaning = ProtoField.string("sscard.meaning", "Meaning"),
  atr = ProtoField.bytes("sscard.atr", "ATR"),
}
local part_fields = {}
local function declare(parts)
  for _, part in pairs(parts) do
    if not part_fields[part.key] then
      part_fields[part.key] = ProtoField.string("sscard.part." .. part.key:gsub("-", "_"), part.name)
    end
  end
end
for _, known in pairs(HEADERS) do declare(known.sends); declare(known.answers) end
for _, known in pairs(INSTRUCTIONS) do declare(known.sends); declare(known.answers) end
for _, parts in pairs(ROWS) do declare(parts) end
for _, tags in pairs(TAGS) do declare(tags) end
local all = {}
for _, field in pairs(f) do all[#all + 1] = field end
for _, field in pairs(part_fields) do all[#all + 1] = field end
sscard.fields = all

local function hex(range) return range:bytes():tohex() end

local forms = {}
function forms.hex(range) return hex(range) end
function forms.amount(range)
  local fen = range:uint()
  return string.format("%d.%02d %s", math.floor(fen / 100), fen % 100, WORDS["yuan"])
end
function forms.decimal_amount(range)
  local told = hex(range)
  if told:match("%D") then return told end
  return string.format("%d.%s %s", tonumber("0" .. told:sub(1, -3)), told:sub(-2), WORDS["yuan"])
end
function forms.number(range) return tostring(tonumber(hex(range), 16)) end
function forms.digits(range) return (hex(range):gsub("F+$", "")) end
function forms.date(range) return (hex(range):gsub("^(%d%d%d%d)(%d%d)(%d%d)$", "%1-%2-%3")) end
function forms.time(range)
  return (hex(range):gsub("^(%d%d%d%d)(%d%d)(%d%d)(%d%d)(%d%d)(%d%d)$", "%1-%2-%3 %4:%5:%6"))
end
function forms.day(range) return (hex(range):gsub("^(..)(..)$", "%1-%2")) end
function forms.text(range)
  local told = hex(range)
  for at = 1, #told, 2 do
    local octet = tonumber(told:sub(at, at + 1), 16)
    if octet >= 0x80 then return range:string(ENC_GB18030) end
  end
  return (range:string():gsub("%z+$", ""))
end

-- Bytes the capture does not tell stand as 00 in it; a comment of the packet says which (`sscard hidden 5-8/0-4`).
local hidden = {}
local function is_hidden(range)
  for _, one in ipairs(hidden) do
    if range:offset() < one[2] and range:offset() + range:len() > one[1] then return true end
  end
  return false
end

local function tell(part, range)
  if is_hidden(range) then return "***" end
  local told = (forms[part.form] or forms.hex)(range)
  if part.codes and CODES[part.codes .. "." .. told] then
    told = told .. " " .. CODES[part.codes .. "." .. told]
  end
  return told
end

-- Cuts `range` into parts; false where its length does not fit.
local function cut(parts, range, tree)
  local at, length = 0, range:len()
  local need = 0
  for _, part in ipairs(parts) do need = need + (part.length or 0) end
  if need > length then return false end
  for _, part in ipairs(parts) do
    local count = part.length or (length - at)
    if count > 0 then tree:add(part_fields[part.key], range:range(at, count), tell(part, range:range(at, count))) end
    at = at + count
  end
  return true
end

local function meaning_of(sw)
  for _, row in ipairs(STATUS) do
    if band(sw, row[2]) == row[1] then
      local low = band(sw, 0xFF)
      return (row[3]:gsub("{xx}", tostring(low == 0 and 256 or low)):gsub("{x}", tostring(band(sw, 0x0F))))
    end
  end
  return "?"
end

-- What is selected, by card (its source port), and what was when a packet was first seen.
local selected, seen, waiting = {}, {}, {}
function sscard.init() selected, seen, waiting = {}, {}, {} end

local frame_nr = Field.new("gsmtap.frame_nr")

local comment_of = Field.new("frame.comment")
local function find_hidden(at)
  hidden = {}
  for _, comment in ipairs({ comment_of() }) do
    local asked, answered = tostring(comment.value):match("^sscard hidden ([%d,-]*)/([%d,-]*)")
    for start, stop in (asked or ""):gmatch("(%d+)-(%d+)") do
      hidden[#hidden + 1] = { tonumber(start), tonumber(stop) }
    end
    for start, stop in (answered or ""):gmatch("(%d+)-(%d+)") do
      hidden[#hidden + 1] = { at + tonumber(start), at + tonumber(stop) }
    end
  end
end

local SENDING = { ["84"] = true, ["B0"] = true, ["B2"] = true, ["C0"] = true, ["CA"] = true, ["26"] = true }

local function cut_at(tvb, told)
  local length = tvb:len()
  if told >= 4 and told <= length then return told end
  if length <= 6 then return math.max(length - 2, 0) end
  if SENDING[hex(tvb(1, 1))] or length < 5 + tvb(4, 1):uint() + 2 then return 5 end
  return 5 + tvb(4, 1):uint()
end

-- File, record and tag that READ and UPDATE speak of.
local function referred(tvb, tree, state)
  local ins, p1, p2 = hex(tvb(1, 1)), tvb(2, 1):uint(), tvb(3, 1):uint()
  local sfi
  if ins == "B2" or ins == "DC" then
    sfi = shift(p2, 3)
    if band(p2, 7) >= 4 then tree:add(f.record, tvb(2, 1)) else tree:add(f.tag, tvb(2, 1)) end
  else
    sfi = band(p1, 0x80) ~= 0 and band(p1, 0x1F) or 0
  end
  local ef = sfi ~= 0 and string.format("EF%02X", sfi) or state.ef
  if not ef then return nil end
  local key = (state.df or "?") .. "/" .. ef
  local of_psam = string.format("%04X", sfi)
  if FILES[of_psam] and (state.df == "MF" or state.df == "PSAM") then ef, key = of_psam, of_psam end
  local word = FILES[key] and (ef .. " " .. FILES[key]) or ef
  tree:add(f.file, tvb(3, 1), word)
  return key, word
end

local function records(key, range, tree)
  if ROWS[key] then
    local size = 0
    for _, part in ipairs(ROWS[key]) do size = size + part.length end
    if range:len() % size ~= 0 then return end
    for at = 0, range:len() - size, size do cut(ROWS[key], range:range(at, size), tree) end
    return
  end
  local tags, at = TAGS[key], 0
  if not tags then return end
  while at + 2 <= range:len() do
    local tag, length = range:range(at, 1):uint(), range:range(at + 1, 1):uint()
    if at + 2 + length > range:len() then return end
    local part = tags[tag]
    if part and length > 0 then
      tree:add(f.tag, range:range(at, 1))
      tree:add(part_fields[part.key], range:range(at + 2, length), tell(part, range:range(at + 2, length)))
    end
    at = at + 2 + length
  end
end

local function select(tvb, tree, state, at)
  local p1 = tvb(2, 1):uint()
  local target = at > 5 and hex(tvb(5, math.min(tvb(4, 1):uint(), at - 5))) or "3F00"
  local df = p1 == 4 and (DF_BY_NAME[target] or target) or DF_BY_ID[target]
  if df == "DDF1" then df = "SSSE" end
  if df then
    tree:add(f.application, tvb(2, 2), DFS[df] or df)
    return { df = df }, DFS[df] or df
  end
  local ef = target:sub(1, 2) == "EF" and "EF" .. target:sub(3, 4) or target
  local word = FILES[(state.df or "?") .. "/" .. ef] or FILES[ef]
  word = word and (ef .. " " .. word) or ef
  tree:add(f.file, tvb(2, 2), word)
  return { df = state.df, ef = ef }, word
end

local function exchange(tvb, pinfo, tree)
  local at = cut_at(tvb, (frame_nr() or { value = 0 }).value)
  find_hidden(at)
  local card = pinfo.src_port
  if not pinfo.visited then seen[pinfo.number] = { at = selected[card] or {}, waits = waiting[card] } end
  local state, waits = (seen[pinfo.number] or {}).at or {}, (seen[pinfo.number] or {}).waits
  local header = hex(tvb(0, 4))
  local known = HEADERS[header] or INSTRUCTIONS[hex(tvb(0, 2))]
  local name = known and known.name or NAMES[hex(tvb(0, 2))] or ("CLA " .. hex(tvb(0, 1)) .. " INS " .. hex(tvb(1, 1)))
  if hex(tvb(0, 2)) == "0020" and at <= 5 then name = WORDS["command.query-tries"] end
  local asked = tree:add(f.command, tvb(0, at), name)
  asked:add(f.cla, tvb(0, 1)); asked:add(f.ins, tvb(1, 1)); asked:add(f.p1, tvb(2, 1)); asked:add(f.p2, tvb(3, 1))
  local body = at > 5 and math.min(tvb(4, 1):uint(), at - 5) or 0
  if body > 0 then
    asked:add(f.data, tvb(5, body))
    if known then cut(known.sends, tvb(5, body), asked) end
  end
  local ins, chosen, key, what = hex(tvb(1, 1)), nil, nil, nil
  if hex(tvb(0, 2)) == "00A4" then
    chosen, what = select(tvb, asked, state, at)
  elseif (ins == "B0" or ins == "B2" or ins == "D6" or ins == "DC") and hex(tvb(0, 1)) ~= "B0" then
    key, what = referred(tvb, asked, state)
  end
  if what then name = name .. " " .. what end
  local answers = known and known.answers or nil
  if header == "00C00000" and waits then answers, key = waits.answers, waits.key end
  pinfo.cols.protocol = "SSCARD"
  local left = tvb:len() - at
  if left < 2 then
    tree:add(f.meaning, tvb(0, 0), WORDS["no-answer"])
    pinfo.cols.info = name .. " | " .. WORDS["no-answer"]
    return
  end
  local sw_range = tvb(tvb:len() - 2, 2)
  local sw = sw_range:uint()
  local said = meaning_of(sw)
  if left > 2 then
    local data = tvb(at, left - 2)
    local answered = tree:add(f.answer, data)
    if answers then cut(answers, data, answered) end
    if key then records(key, data, answered) end
  end
  tree:add(f.sw, sw_range)
  tree:add(f.meaning, sw_range, said)
  pinfo.cols.info = name .. " | " .. string.format("%04X ", sw) .. said
  if not pinfo.visited then
    waiting[card] = shift(sw, 8) == 0x61 and { answers = answers, key = key } or nil
    if chosen and (sw == 0x9000 or shift(sw, 8) == 0x61) then selected[card] = chosen end
  end
end

function sscard.dissector(tvb, pinfo, tree)
  if tvb:len() < 2 then return 0 end
  local branch = tree:add(sscard, tvb())
  local first = tvb(0, 1):uint()
  if (first == 0x3B or first == 0x3F) and (frame_nr() or { value = 0 }).value == 0 then
    branch:add(f.atr, tvb())
    pinfo.cols.protocol = "SSCARD"
    pinfo.cols.info = WORDS["power-on"]
    if not pinfo.visited then selected[pinfo.src_port] = { df = "MF" } end
    return tvb:len()
  end
  if tvb:len() < 4 then return 0 end
  exchange(tvb, pinfo, branch)
  return tvb:len()
end

DissectorTable.get("gsmtap.type"):set(4, sscard)
"""
