package redisstore

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sigra-auth/sigra/authcore/session"
)

// A session is a Redis hash of two fields that expires at its deadline:
//
//	data  the encoded session
//	head  "expires idle seen id user ip", times in microseconds
//
// While it has no head there is no session under the key: "next" points to the
// key that the session was rotated to, "gone" refuses one that a sweep has
// given up waiting for.

// recordFields are read to make a Record.
var recordFields = []string{"head", "data"}

func headOf(r *session.Record) string {
	return fmt.Sprintf("%d %d %d %s %s %s", r.ExpiresAt.UnixMicro(), r.Idle.Microseconds(),
		r.Seen.At.UnixMicro(), r.ID, r.UserID, r.Seen.IP)
}

// recordOf returns the record of the values of recordFields, nil when there is
// no session.
func recordOf(values []any) (*session.Record, error) {
	head, ok := values[0].(string)
	if !ok {
		return nil, nil
	}
	data, _ := values[1].(string)
	r := &session.Record{Data: []byte(data)}
	var numbers [3]int64
	var err error
	for i := range numbers {
		var field string
		field, head, _ = strings.Cut(head, " ")
		if numbers[i], err = strconv.ParseInt(field, 10, 64); err != nil {
			return nil, fmt.Errorf("malformed session record")
		}
	}
	r.ID, head, _ = strings.Cut(head, " ")
	r.UserID, r.Seen.IP, _ = strings.Cut(head, " ")
	r.ExpiresAt = time.UnixMicro(numbers[0]).UTC()
	r.Idle = time.Duration(numbers[1]) * time.Microsecond
	r.Seen.At = time.UnixMicro(numbers[2]).UTC()
	return r, nil
}

// nameOf is how a hash stands in keys and in the index.
func nameOf(h session.Hash) string { return session.Token(h).String() }

// hashOf is the inverse of nameOf.
func hashOf(name string) (session.Hash, bool) {
	t, ok := session.ParseToken(name)
	return session.Hash(t), ok
}
