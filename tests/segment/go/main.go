// Sends one of each call with Segment's own client: `go run . URL WRITE_KEY`.
package main

import (
	"fmt"
	"net"
	"os"
	"time"

	"github.com/segmentio/analytics-go/v3"
)

// told ends the program where a call is not taken.
type told struct{}

func (told) Success(analytics.Message) {}

func (told) Failure(message analytics.Message, err error) {
	fmt.Fprintf(os.Stderr, "%T: %v\n", message, err)
	os.Exit(1)
}

func main() {
	client, err := analytics.NewWithConfig(os.Args[2], analytics.Config{
		Endpoint: os.Args[1], BatchSize: 6, Interval: 100 * time.Millisecond, Callback: told{},
	})
	if err != nil {
		panic(err)
	}
	for _, message := range []analytics.Message{
		analytics.Track{
			MessageId: "go-track", Event: "Order Completed", UserId: "u1", AnonymousId: "a1",
			Timestamp:  time.UnixMilli(1795458876500),
			Properties: analytics.NewProperties().Set("total", 12.5),
			Context: &analytics.Context{
				Locale: "de-AT", Timezone: "Europe/Vienna", IP: net.ParseIP("203.0.113.9"),
				UserAgent: "Visitor/1",
				Page:      analytics.PageInfo{URL: "https://shop.example/cart", Path: "/cart"},
				Campaign:  analytics.CampaignInfo{Name: "spring", Source: "mail"},
			},
		},
		analytics.Page{MessageId: "go-page", UserId: "u1", Name: "Home", Properties: analytics.NewProperties().SetURL("https://shop.example/")},
		analytics.Screen{MessageId: "go-screen", UserId: "u1", Name: "Main"},
		analytics.Identify{MessageId: "go-identify", UserId: "u1", Traits: analytics.NewTraits().Set("plan", "pro")},
		analytics.Group{MessageId: "go-group", UserId: "u1", GroupId: "g1", Traits: analytics.NewTraits().Set("seats", 5)},
		analytics.Alias{MessageId: "go-alias", UserId: "u1", PreviousId: "a1"},
	} {
		if err := client.Enqueue(message); err != nil {
			panic(err)
		}
	}
	// What the client has not sent when it is closed, it sends once more and no oftener.
	if err := client.Close(); err != nil {
		panic(err)
	}
}
