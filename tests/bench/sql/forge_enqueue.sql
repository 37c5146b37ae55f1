select forge.enqueue('bench', :payload);
