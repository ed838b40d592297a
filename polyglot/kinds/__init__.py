"""What each kind of stage is: its parameters, settings, inputs, records, resources and traits; one file a kind."""
