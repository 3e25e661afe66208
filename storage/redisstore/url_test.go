package redisstore_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sigra-auth/sigra/storage/redisstore"
)

func TestParseURL(t *testing.T) {
	for url, want := range map[string]redis.UniversalOptions{
		"redis://localhost":              {Addrs: []string{"localhost:6379"}},
		"redis://user:p%40ss@h:1234/5":   {Addrs: []string{"h:1234"}, DB: 5, Username: "user", Password: "p@ss"},
		"redis://:pass@[::1]/2":          {Addrs: []string{"[::1]:6379"}, DB: 2, Password: "pass"},
		"redis://h?read_timeout=2s&db=3": {Addrs: []string{"h:6379"}, DB: 3, ReadTimeout: 2 * time.Second},
		"unix:///run/redis.sock?db=1":    {Addrs: []string{"/run/redis.sock"}, DB: 1},
		"redis-sentinel://a:1,b,[::2]:3/primary": {
			Addrs: []string{"a:1", "b:26379", "[::2]:3"}, MasterName: "primary"},
		"redis-sentinel://u:p%2Fw@a:1/primary/4?sentinel_username=su&sentinel_password=s%26p&pool_size=7": {
			Addrs: []string{"a:1"}, MasterName: "primary", DB: 4, Username: "u", Password: "p/w",
			SentinelUsername: "su", SentinelPassword: "s&p", PoolSize: 7},
		"redis-cluster://:pw@a:1,b:2":          {Addrs: []string{"a:1", "b:2"}, Password: "pw", IsClusterMode: true},
		"redis-cluster://only/?max_retries=-1": {Addrs: []string{"only:6379"}, IsClusterMode: true, MaxRetries: -1},
	} {
		got, err := redisstore.ParseURL(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
		} else if !reflect.DeepEqual(*got, want) {
			t.Errorf("%s is\n%+v, want\n%+v", url, *got, want)
		}
	}
}

func TestParseURLWithTLS(t *testing.T) {
	for url, serverName := range map[string]string{
		"rediss://host:1": "host", "rediss-sentinel://a:1,b:2/m": "", "rediss-cluster://a:1,b:2": "",
	} {
		o, err := redisstore.ParseURL(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
		} else if o.TLSConfig == nil || o.TLSConfig.ServerName != serverName || o.TLSConfig.InsecureSkipVerify {
			t.Errorf("%s: TLS settings are %+v", url, o.TLSConfig)
		}
	}
}

func TestParseURLErrorsHideThePassword(t *testing.T) {
	for _, url := range []string{
		"", "secret", "secret://x", "http://u:secret@h", "redis://u:secret@h:port", "redis://u:sec/secret@h",
		"redis://u:secret@h/1/2", "redis://u:secret@h/x", "redis://u:secret@h?secret=1", "redis://u:secret@a,b:2",
		"redis://u:%zzsecret@h", "unix://u:secret@", "redis-sentinel://u:secret@a:1", "redis-sentinel://u:secret@a:1/",
		"redis-sentinel://u:secret@a:1,/m", "redis-sentinel://u:secret@a:1/m/secret", "redis-sentinel://u:secret@a:x/m",
		"redis-sentinel://u:%zzsecret@a/m", "redis-cluster://u:secret@", "redis-cluster://u:secret@a:1,b:2/3",
		"redis-cluster://u:secret@a?x=%zzsecret", "redis-cluster://u:secret@a:1 b:2", "redis-cluster://u:sec/secret@a:1",
	} {
		_, err := redisstore.ParseURL(url)
		if err == nil {
			t.Errorf("%s was accepted", url)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells it: %v", url, err)
		}
	}
}
