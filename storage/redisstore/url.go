package redisstore

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/redis/go-redis/v9"
)

// errURL is the answer to every URL that cannot be parsed. Parts of such a URL
// are not repeated: where an unescaped character has shifted them, any part may
// be the password.
var errURL = errors.New("malformed Redis URL, want redis://user:password@host:6379/0 with special characters percent-encoded")

// ParseURL returns the options of a Redis URL:
//
//	redis://[user:password@]host[:port][/db]       one server; rediss:// with TLS
//	unix://[user:password@]/path/to/socket[?db=0]
//	redis-sentinel://[user:password@]host[:port][,host...]/master[/db]
//	redis-cluster://[user:password@]host[:port][,host...]
//
// rediss-sentinel:// and rediss-cluster:// use TLS. The query takes what
// go-redis takes, such as read_timeout, and with Sentinel its own credentials
// as sentinel_username and sentinel_password. Errors never hold a part of it.
func ParseURL(text string) (*redis.UniversalOptions, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	switch scheme {
	case "redis", "rediss", "unix":
		o, err := redis.ParseURL(text)
		if err != nil {
			return nil, errURL
		}
		if o.Network == "tcp" && strings.Contains(o.Addr, ",") {
			return nil, errors.New("several Redis hosts need redis-sentinel:// or redis-cluster://")
		}
		return universal(o), nil
	case "redis-sentinel", "rediss-sentinel":
		return parseSentinel(strings.TrimSuffix(scheme, "-sentinel"), rest)
	case "redis-cluster", "rediss-cluster":
		return parseCluster(strings.TrimSuffix(scheme, "-cluster"), rest)
	default:
		return nil, errors.New("unknown kind of Redis URL, want redis://, rediss://, unix://, redis-sentinel:// or redis-cluster://")
	}
}

func parseSentinel(scheme, rest string) (*redis.UniversalOptions, error) {
	p, err := split(rest, "26379")
	if err != nil {
		return nil, err
	}
	master, db, _ := strings.Cut(strings.Trim(p.path, "/"), "/")
	if master == "" {
		return nil, errors.New("the Redis Sentinel URL names no master, want redis-sentinel://host:26379/master")
	}
	username, password := p.query.Get("sentinel_username"), p.query.Get("sentinel_password")
	p.query.Del("sentinel_username")
	p.query.Del("sentinel_password")
	o, err := p.options(scheme, db)
	if err != nil {
		return nil, err
	}
	o.MasterName, o.SentinelUsername, o.SentinelPassword = master, username, password
	return o, nil
}

func parseCluster(scheme, rest string) (*redis.UniversalOptions, error) {
	p, err := split(rest, "6379")
	if err != nil {
		return nil, err
	}
	if strings.Trim(p.path, "/") != "" {
		return nil, errors.New("a Redis Cluster has no databases to choose from, want redis-cluster://host:6379,host:6379")
	}
	o, err := p.options(scheme, "")
	if err != nil {
		return nil, err
	}
	o.IsClusterMode = true
	return o, nil
}

// parts are those of a URL with several hosts, which package net/url refuses.
type parts struct {
	userinfo string // with the @, or empty
	addrs    []string
	path     string
	query    url.Values
}

func split(rest, defaultPort string) (p parts, err error) {
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	at := strings.LastIndexByte(authority, '@') + 1
	p.userinfo, p.path = authority[:at], path
	if p.query, err = url.ParseQuery(query); err != nil {
		return p, errURL
	}
	for host := range strings.SplitSeq(authority[at:], ",") {
		u, err := url.Parse("redis://" + host)
		if err != nil || u.Hostname() == "" {
			return p, errURL
		}
		port := u.Port()
		if port == "" {
			port = defaultPort
		}
		p.addrs = append(p.addrs, net.JoinHostPort(u.Hostname(), port))
	}
	return p, nil
}

// options lets go-redis parse everything but the list of hosts.
func (p parts) options(scheme, db string) (*redis.UniversalOptions, error) {
	single := fmt.Sprintf("%s://%s%s/%s?%s", scheme, p.userinfo, p.addrs[0], db, p.query.Encode())
	o, err := redis.ParseURL(single)
	if err != nil {
		return nil, errURL
	}
	all := universal(o)
	all.Addrs = p.addrs
	if all.TLSConfig != nil {
		all.TLSConfig.ServerName = "" // each server is verified under its own name
	}
	return all, nil
}

func universal(o *redis.Options) *redis.UniversalOptions {
	return &redis.UniversalOptions{
		Addrs: []string{o.Addr}, DB: o.DB, Username: o.Username, Password: o.Password,
		ClientName: o.ClientName, Protocol: o.Protocol, TLSConfig: o.TLSConfig,
		MaxRetries: o.MaxRetries, MinRetryBackoff: o.MinRetryBackoff, MaxRetryBackoff: o.MaxRetryBackoff,
		DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout,
		PoolFIFO: o.PoolFIFO, PoolSize: o.PoolSize, PoolTimeout: o.PoolTimeout,
		MinIdleConns: o.MinIdleConns, MaxIdleConns: o.MaxIdleConns, MaxActiveConns: o.MaxActiveConns,
		ConnMaxIdleTime: o.ConnMaxIdleTime, ConnMaxLifetime: o.ConnMaxLifetime,
	}
}
