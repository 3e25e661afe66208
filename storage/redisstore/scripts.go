package redisstore

import "github.com/redis/go-redis/v9"

// Each script of a session touches the one key of its record, so that it is
// one atomic step on every kind of Redis.
var (
	// putScript stores a new record, unless it has been given up: KEYS record;
	// ARGV head, data, deadline in milliseconds. It returns 1 when it did.
	putScript = redis.NewScript(`
		if redis.call('HEXISTS', KEYS[1], 'gone') == 1 then return 0 end
		redis.call('HSET', KEYS[1], 'head', ARGV[1], 'data', ARGV[2])
		redis.call('PEXPIREAT', KEYS[1], ARGV[3])
		return 1`)

	// touchScript notes a use and moves the deadline: KEYS record; ARGV time of
	// the use in microseconds, IP.
	touchScript = redis.NewScript(`
		local head = redis.call('HGET', KEYS[1], 'head')
		if not head then return 0 end
		local expires, idle, seen, id, user = string.match(head, '^(%d+) (%d+) (%d+) (%S+) (%S+) ')
		local at = tonumber(ARGV[1])
		if at <= tonumber(seen) then return 0 end
		local deadline = tonumber(expires)
		if idle ~= '0' then deadline = math.min(deadline, at + tonumber(idle)) end
		redis.call('HSET', KEYS[1], 'head', table.concat({expires, idle, ARGV[1], id, user, ARGV[2]}, ' '))
		redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', math.floor(deadline / 1000)))
		return 1`)

	// rewriteScript replaces the data of a record: KEYS record; ARGV old and new
	// data. It returns 0 when there is no such record.
	rewriteScript = redis.NewScript(`
		if redis.call('HGET', KEYS[1], 'data') ~= ARGV[1] then return 0 end
		redis.call('HSET', KEYS[1], 'data', ARGV[2])
		return 1`)

	// moveScript ends a record that was rotated and leaves a pointer to the new
	// one: KEYS record; ARGV new name, life of the pointer in milliseconds, data.
	// It returns 0 when there is no record, and 2 when it has other data.
	moveScript = redis.NewScript(`
		local data = redis.call('HGET', KEYS[1], 'data')
		if not data then return 0 end
		if data ~= ARGV[3] then return 2 end
		redis.call('DEL', KEYS[1])
		redis.call('HSET', KEYS[1], 'next', ARGV[1])
		redis.call('PEXPIRE', KEYS[1], ARGV[2])
		return 1`)

	// removeScript deletes a record of a user: KEYS record; ARGV user id. It
	// returns the name of the record that this one was rotated to, if any.
	removeScript = redis.NewScript(`
		local next = redis.call('HGET', KEYS[1], 'next')
		if next then
			redis.call('DEL', KEYS[1])
			return next
		end
		local head = redis.call('HGET', KEYS[1], 'head')
		if head and string.match(head, '^%d+ %d+ %d+ %S+ (%S+) ') == ARGV[1] then redis.call('DEL', KEYS[1]) end
		return ''`)

	// buryScript refuses a record that was announced in the index but is not
	// there: KEYS record; ARGV life of the refusal in milliseconds. It returns
	// 0 when the record has come after all.
	buryScript = redis.NewScript(`
		if redis.call('HEXISTS', KEYS[1], 'head') == 1 then return 0 end
		redis.call('HSET', KEYS[1], 'gone', '1')
		redis.call('PEXPIRE', KEYS[1], ARGV[1])
		return 1`)
)

// The index of a user is a sorted set of record names by the time they were
// added, by the clock of Redis.
var (
	// announceScript adds a record: KEYS index; ARGV name, the time in
	// milliseconds until which the index is needed.
	announceScript = redis.NewScript(`
		local time = redis.call('TIME')
		local now = time[1] * 1000 + math.floor(time[2] / 1000)
		redis.call('ZADD', KEYS[1], now, ARGV[1])
		if redis.call('PTTL', KEYS[1]) < ARGV[2] - now then redis.call('PEXPIREAT', KEYS[1], ARGV[2]) end
		return 1`)

	// indexScript returns names with their age in milliseconds: KEYS index.
	indexScript = redis.NewScript(`
		local time = redis.call('TIME')
		local now = time[1] * 1000 + math.floor(time[2] / 1000)
		local entries = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
		for i = 2, #entries, 2 do entries[i] = string.format('%.0f', now - entries[i]) end
		return entries`)
)
