// Sends one of each call with Segment's own client: `go run . URL WRITE_KEY PREFIX`, which their ids begin with.
package main

import (
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/segmentio/analytics-go/v3"
)

// told counts the calls that are not taken yet, and ends the program where one never is.
type told struct{ open *sync.WaitGroup }

func (told told) Success(analytics.Message) { told.open.Done() }

func (told) Failure(message analytics.Message, err error) {
	fmt.Fprintf(os.Stderr, "%T: %v\n", message, err)
	os.Exit(1)
}

func main() {
	open, prefix := &sync.WaitGroup{}, os.Args[3]
	client, err := analytics.NewWithConfig(os.Args[2], analytics.Config{
		Endpoint: os.Args[1], BatchSize: 6, Interval: 100 * time.Millisecond, Callback: told{open},
	})
	if err != nil {
		panic(err)
	}
	for _, message := range []analytics.Message{
		analytics.Track{
			MessageId: prefix + "-track", Event: "Order Completed", UserId: "u1", AnonymousId: "a1",
			Timestamp:  time.UnixMilli(1795458876500),
			Properties: analytics.NewProperties().Set("total", 12.5),
			Context: &analytics.Context{
				Locale: "de-AT", Timezone: "Europe/Vienna", IP: net.ParseIP("203.0.113.9"),
				UserAgent: "Visitor/1",
				Page:      analytics.PageInfo{URL: "https://shop.example/cart", Path: "/cart"},
				Campaign:  analytics.CampaignInfo{Name: "spring", Source: "mail"},
			},
		},
		analytics.Page{MessageId: prefix + "-page", UserId: "u1", Name: "Home", Properties: analytics.NewProperties().SetURL("https://shop.example/")},
		analytics.Screen{MessageId: prefix + "-screen", UserId: "u1", Name: "Main"},
		analytics.Identify{MessageId: prefix + "-identify", UserId: "u1", Traits: analytics.NewTraits().Set("plan", "pro")},
		analytics.Group{MessageId: prefix + "-group", UserId: "u1", GroupId: "g1", Traits: analytics.NewTraits().Set("seats", 5)},
		analytics.Alias{MessageId: prefix + "-alias", UserId: "u1", PreviousId: "a1"},
	} {
		open.Add(1)
		if err := client.Enqueue(message); err != nil {
			panic(err)
		}
	}
	// What the client has not sent when it is closed, it sends once more and no oftener.
	open.Wait()
	if err := client.Close(); err != nil {
		panic(err)
	}
}
