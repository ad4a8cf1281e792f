-- How people come here from a channel, as it publishes it, for the page and the posters that lead to it.
ALTER TABLE credential.channel
    ADD COLUMN way     text NOT NULL DEFAULT '', -- the menus to tap; empty where it has not said
    ADD COLUMN address text NOT NULL DEFAULT ''; -- of its page, for links and QR codes; empty where its app is opened
